"""House API v1: API keys."""

from datetime import datetime, timedelta
from uuid import UUID

from starlette.types import Send

from clearline.accounts import key_usecases as keys
from clearline.accounts.domain import ApiKey
from clearline.errors import InvalidInput, NotFound, Violation
from clearline.identity import Scope
from clearline.wires.house import paging
from clearline.wires.house.accounts import wire
from clearline.wires.house.accounts.companies import COMPANIES, COMPANY
from clearline.wires.house.accounts.mapping import key_made_out, key_out
from clearline.wires.house.tickets.handlers import id_in_path, uuid_of
from clearline.wires.house.wire import Page, PageQuery
from clearline.wires.http.call import Answer, Call, encode, etag
from clearline.wires.http.resource import json_answer
from clearline.wires.http.table import Operation

KEYS = COMPANIES + "/{id}/keys"
_KEY = COMPANY | id_in_path("key_id", "The key's id.")


class _ShownOnce(Answer):
    """An answer that goes back with the secret, and is kept for retries without it: no secret is stored anywhere."""

    __slots__ = ("_whole",)

    def __init__(self, key: ApiKey, secret: str, location: str) -> None:
        headers = [
            (b"cache-control", b"no-store"),
            (b"vary", b"Authorization"),
            (b"location", location.encode()),
            (b"etag", etag(encode(key_out(key)))),
        ]
        whole, kept = (json_answer(201, key_made_out(key, shown), headers) for shown in (secret, None))
        super().__init__(201, kept.body, kept.headers)
        self._whole = whole.body

    async def send(self, send: Send) -> None:
        """Send it whole."""
        await Answer(self.status, self._whole, self.headers).send(send)


async def list_keys(call: Call) -> Page[wire.ApiKeyOut]:
    """Keys of a company, oldest first."""
    company_id = uuid_of(call.path["id"], "company")
    after = paging.read_cursor(call, lambda at, key: (datetime.fromisoformat(at), UUID(key)))
    async with call.transaction() as tx:
        found = await keys.list_keys(tx, call.actor, company_id, after=after, limit=call.query.limit + 1)
    return paging.page(call, found, lambda one: [one.created_at.isoformat(), str(one.id)], key_out)


async def create_key(call: Call) -> Answer:
    """Issue a key."""
    company_id = uuid_of(call.path["id"], "company")
    body = call.body(wire.ApiKeyIn)
    async with call.transaction() as tx:
        try:
            made, secret = await keys.create_key(
                tx,
                call.actor,
                company_id,
                user_id=body.user_id,
                name=body.name,
                scopes=None if body.scopes is None else frozenset(body.scopes),
                lifetime=_lifetime(body.expires_at, call.now),
                now=call.now,
            )
        except NotFound as missing:
            if missing.kind != "user":
                raise
            raise InvalidInput([Violation("user_id", "must be the id of a user of the company")]) from None
    call.location = f"{COMPANIES}/{company_id}/keys/{made.id}"
    return _ShownOnce(made, secret, call.location)


def _lifetime(ends: datetime | None, now: datetime) -> timedelta | None:
    if ends is not None and ends <= now:
        raise InvalidInput([Violation("expires_at", "must be in the future")])
    return None if ends is None else ends - now


async def get_key(call: Call) -> wire.ApiKeyOut:
    """One key, without its secret."""
    company_id, key_id = uuid_of(call.path["id"], "company"), uuid_of(call.path["key_id"], "key")
    async with call.transaction() as tx:
        return key_out(await keys.get_key(tx, call.actor, company_id, key_id))


async def revoke_key(call: Call) -> None:
    """End a key at once."""
    company_id, key_id = uuid_of(call.path["id"], "company"), uuid_of(call.path["key_id"], "key")
    async with call.transaction() as tx:
        call.check_if_match(key_out(await keys.lock_key(tx, call.actor, company_id, key_id)))
        await keys.revoke_key(tx, call.actor, company_id, key_id, now=call.now)


OPERATIONS = (
    Operation(
        "listKeys", "GET", KEYS, list_keys,
        "List the API keys of a company", "Oldest first, revoked ones too, without their secrets. Customers see their "
        "own company's.",
        Scope.ACCOUNTS_READ, Page[wire.ApiKeyOut], query=PageQuery, path_parameters=COMPANY, errors=(400, 404),
    ),
    Operation(
        "createKey", "POST", KEYS, create_key,
        "Issue an API key", "For the provider's admins, and for a customer's in its own company. It can carry what its "
        "user's role may, and nothing else. The secret is in this answer and nowhere else: a retry with the same "
        "Idempotency-Key makes no second key, and is answered without the secret.",
        Scope.ACCOUNTS_WRITE, wire.ApiKeyMade, body=wire.ApiKeyIn, path_parameters=COMPANY, errors=(404,), status=201,
    ),
    Operation(
        "getKey", "GET", KEYS + "/{key_id}", get_key,
        "Read an API key", "Without its secret.",
        Scope.ACCOUNTS_READ, wire.ApiKeyOut, path_parameters=_KEY, errors=(404,),
    ),
    Operation(
        "revokeKey", "DELETE", KEYS + "/{key_id}", revoke_key,
        "Revoke an API key", "It ends at once, in every server, and stays in the list. One that was revoked before "
        "stays as it was. A use changes the ETag; `If-Match: *` revokes in any case.",
        Scope.ACCOUNTS_WRITE, None, path_parameters=_KEY, errors=(404,), status=204, conditional=True,
    ),
)  # fmt: skip
