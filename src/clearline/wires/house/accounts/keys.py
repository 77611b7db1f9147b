"""House API v1: API keys."""

from datetime import datetime, timedelta
from uuid import UUID

from clearline.accounts import key_usecases as keys
from clearline.accounts.domain import account_limits
from clearline.errors import InvalidInput, NotFound, RuleCode, Violation
from clearline.identity import Scope
from clearline.wires.house.accounts import wire
from clearline.wires.house.accounts.companies import COMPANIES, COMPANY
from clearline.wires.house.accounts.mapping import key_made_out, key_out
from clearline.wires.house.parameters import id_in_path, uuid_of
from clearline.wires.house.records import delete_record, get_record, list_records, time_and_id, time_and_id_keys
from clearline.wires.house.secret_answer import SecretAnswer
from clearline.wires.house.wire import Page, PageQuery
from clearline.wires.http.call import Answer, Call
from clearline.wires.http.table import Operation

KEYS = COMPANIES + "/{id}/keys"
_KEY = COMPANY | id_in_path("key_id", "The key's id.")


def _ids(call: Call) -> tuple[UUID, UUID]:
    return uuid_of(call.path["id"], "company"), uuid_of(call.path["key_id"], "key")


async def list_keys(call: Call) -> Page[wire.ApiKeyOut]:
    """List the keys of a company, oldest first."""
    ids = (uuid_of(call.path["id"], "company"),)
    return await list_records(call, ids, keys.list_keys, time_and_id, time_and_id_keys, key_out)


async def create_key(call: Call) -> Answer:
    """Issue a key."""
    company_id = uuid_of(call.path["id"], "company")
    body = call.body(wire.ApiKeyIn)
    async with call.transaction() as tx:
        try:
            key, secret = await keys.create_key(
                tx,
                call.actor,
                company_id,
                user_id=body.user_id,
                name=body.name,
                scopes=None if body.scopes is None else frozenset(body.scopes),
                lifetime=_lifetime(body.expires_at, call.now),
                limits=account_limits(call.services.settings),
                now=call.now,
            )
        except NotFound as missing:
            if missing.kind != "user":
                raise
            raise InvalidInput(
                [Violation("user_id", "must be the id of a user of the company", RuleCode.REFERENCE)]
            ) from None
    call.location = f"{COMPANIES}/{company_id}/keys/{key.id}"
    sent, stored = key_made_out(key, secret), key_made_out(key, None)
    return SecretAnswer(201, sent=sent, stored=stored, resource=key_out(key), location=call.location)


def _lifetime(ends: datetime | None, now: datetime) -> timedelta | None:
    if ends is not None and ends <= now:
        raise InvalidInput([Violation("expires_at", "must be in the future", RuleCode.ORDER)])
    return None if ends is None else ends - now


async def get_key(call: Call) -> wire.ApiKeyOut:
    """Return a key without its secret."""
    return await get_record(call, _ids(call), keys.get_key, key_out)


async def revoke_key(call: Call) -> None:
    """Revoke a key at once."""
    await delete_record(call, _ids(call), keys.lock_key, keys.revoke_key, key_out)


OPERATIONS = (
    Operation(
        "listKeys", "GET", KEYS, list_keys,
        "List the API keys of a company", "Returns keys without their secrets, oldest first, revoked ones too. "
        "Customers see their own company's keys.",
        Scope.ACCOUNTS_READ, Page[wire.ApiKeyOut], query=PageQuery, path_parameters=COMPANY, errors=(400, 404),
    ),
    Operation(
        "createKey", "POST", KEYS, create_key,
        "Issue an API key", "The key can have only scopes that its user's role has. The secret is in this answer and "
        "is not shown again: a retry with the same Idempotency-Key makes no second key, and is answered without the "
        "secret. For the provider's admins, and for a customer's admins in their own company, which can have 200 keys "
        "in force unless the provider sets another number.",
        Scope.ACCOUNTS_WRITE, wire.ApiKeyMade, body=wire.ApiKeyIn, path_parameters=COMPANY, errors=(404,), status=201,
    ),
    Operation(
        "getKey", "GET", KEYS + "/{key_id}", get_key,
        "Get an API key", "Returns a key without its secret.",
        Scope.ACCOUNTS_READ, wire.ApiKeyOut, path_parameters=_KEY, errors=(404,),
    ),
    Operation(
        "revokeKey", "DELETE", KEYS + "/{key_id}", revoke_key,
        "Revoke an API key", "The key stops working at once, on every server, and stays in the list. A revoked key "
        "stays as it is. Each use of a key changes its ETag; `If-Match: *` revokes it in any case.",
        Scope.ACCOUNTS_WRITE, None, path_parameters=_KEY, errors=(404,), status=204, conditional=True,
    ),
)  # fmt: skip
