"""Clients of the house API, the bodies that they send, and the problems that they get."""

import asyncio
import contextlib
import secrets
import time
from collections import Counter
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import httpx

from clearline.accounts import key_usecases as keys
from clearline.accounts import mail_domain_usecases as mail_domains
from clearline.accounts import usecases as accounts
from clearline.accounts.mail_domain import Proof
from clearline.identity import OPERATOR, Role
from clearline.inventory import usecases as inventory
from clearline.platform.database.transactions import Database
from clearline.tickets.cases import usecases as cases
from clearline.webhooks import delivery_store
from clearline.webhooks.delivery_store import NewDelivery
from clearline.wires.house.errors import CATALOGUE, QUOTA, TYPES
from clearline.wires.http.table import Operation
from tests.builders.people import NOW, Tenant, new_tenant
from tests.patience import patient

Headers = dict[str, str]
Json = dict[str, Any]
API = "/api/v1"
TICKETS = "/api/v1/tickets"
FIELDS = "/api/v1/fields"
MARKER = "zq8onlyofa"
"""What the texts of a company hold that another must not see."""

SHARED = ("issue-types", "service-types")
"""Kinds of things of the provider that every customer reads."""

NOBODY = str(uuid4())
"""An id of nothing."""

QUERIES: dict[str, str] = {
    "addAttachment": "?name=b.txt",
    "search": f"?q={MARKER}",
}
"""Queries of operations that need one, or that show more with one."""

ANY = {"If-Match": "*"}
UNKNOWN_ID = "5f0c9a56-2c1e-4d59-9d0e-0f5a3c1b7e42"
"""An id of nothing. It is the same in every run, as the names of tests have to be."""
RETRIED_SECONDS = 90
"""How long a program asks again for what is not answered."""


def order(**members: object) -> Json:
    """Return a body that raises a ticket; ``members`` replace the defaults."""
    usual: Json = {
        "title": "Port down",
        "description": "No light since 08:00 UTC",
        "issue_type": "Circuit Down",
        "service": {"id": "SVC-1", "type": "Port"},
    }
    return usual | members


async def new_ticket(client: httpx.AsyncClient, tenant: Tenant, **members: object) -> Json:
    """Raise a ticket; return the response body."""
    answer = await client.post(TICKETS, headers=tenant.headers, json=order(**members))
    assert answer.status_code == 201, answer.text
    body: Json = answer.json()
    return body


async def patch_ticket(client: httpx.AsyncClient, headers: Headers, number: str, body: Json) -> httpx.Response:
    """Change a ticket in any state, with If-Match: *."""
    return await client.patch(f"{TICKETS}/{number}", headers=headers | ANY, json=body)


async def post_bytes(client: httpx.AsyncClient, headers: Headers, body: bytes, **more_headers: str) -> httpx.Response:
    """Send bytes, which may be invalid JSON, to the operation that raises tickets."""
    return await client.post(
        TICKETS, headers={**headers, "Content-Type": "application/json", **more_headers}, content=body
    )


def problem(answer: httpx.Response, kind: str, *, code: str | None = None) -> Json:
    """Check that a response is a complete problem of this kind; return its body."""
    about = CATALOGUE[kind]
    body: Json = answer.json()
    assert answer.status_code == about.status, answer.text
    assert answer.headers["content-type"] == "application/problem+json; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    assert body == {
        "type": QUOTA if kind == "quota-exceeded" else TYPES + kind,
        "title": about.title,
        "status": about.status,
        "detail": body["detail"],
        "code": code or kind,
        "request_id": answer.headers["x-request-id"],
        **({"errors": body["errors"]} if "errors" in body else {}),
    }
    assert body["detail"]
    assert body.get("errors") != []
    return body


def pointers(answer: httpx.Response, kind: str = "invalid-input") -> list[str]:
    """Return the invalid members or parameters that a refusal names."""
    return [error["pointer"] for error in problem(answer, kind)["errors"]]


async def read_list(client: httpx.AsyncClient, path: str, headers: Headers) -> list[Json]:
    """Return a complete list, read two items at a time."""
    items: list[Json] = []
    address: str | None = f"{path}?limit=2"
    while address:
        answer = await client.get(address, headers=headers)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        items += page["data"]
        assert page["has_more"] == (page["next_cursor"] is not None) == ("next" in answer.links)
        address = answer.links["next"]["url"] if "next" in answer.links else None
    return items


async def stream_of(client: httpx.AsyncClient, headers: Headers, number: str, count: int) -> list[Json]:
    """Return the events of a ticket in the stream, once there are ``count``.

    The stream shows an event when no older transaction is under way, and the workers have some.
    """
    async with asyncio.timeout(patient(10)):
        while True:
            answer = await client.get(f"{API}/events?ticket={number}&limit=200", headers=headers)
            assert answer.status_code == 200, answer.text
            events: list[Json] = answer.json()["data"]
            if len(events) >= count:
                return events
            await asyncio.sleep(0.02)


def company_path(tenant: Tenant, *parts: object) -> str:
    """Return the path of a company, or a path below it."""
    return "/".join(["/api/v1/companies", str(tenant.company.id), *map(str, parts)])


class RetryingClient:
    """A client of the house API that repeats unanswered requests; ``statuses`` counts the responses."""

    def __init__(self, client: httpx.AsyncClient, key: str, statuses: Counter[int]) -> None:
        self._client, self._statuses = client, statuses
        self._headers = {"Authorization": f"Bearer {key}"}

    async def once(self, method: str, path: str, **request: Any) -> httpx.Response | None:
        """Send a request; return None without a response, or with one that leaves open whether it was executed."""
        headers = self._headers | request.pop("headers", {})
        with contextlib.suppress(httpx.TransportError):
            answer = await self._client.request(method, path, headers=headers, **request)
            self._statuses[answer.status_code] += 1
            if answer.status_code not in {409, 503}:
                return answer
            assert answer.json()["code"] in {"idempotency-key-busy", "unavailable"}, answer.text
            assert answer.headers["retry-after"] == "1"
        return None

    async def ask(self, method: str, path: str, **request: Any) -> httpx.Response:
        """Repeat a request until it is answered."""
        until = time.monotonic() + patient(RETRIED_SECONDS)
        while time.monotonic() < until:
            if (answer := await self.once(method, path, **request)) is not None:
                return answer
            await asyncio.sleep(0.05)
        raise AssertionError(f"{path} was not answered within {RETRIED_SECONDS} s: {self._statuses}")

    async def post(self, path: str, status: int, **request: Any) -> Json:
        """Create something once, however often the request is sent."""
        answer = await self.ask("POST", path, headers={"Idempotency-Key": secrets.token_hex(8)}, **request)
        assert answer.status_code == status, answer.text
        body: Json = answer.json()
        return body

    async def get(self, path: str, **query: str | int) -> Json:
        """Read something."""
        answer = await self.ask("GET", path, params=query)
        assert answer.status_code == 200, answer.text
        body: Json = answer.json()
        return body

    async def read_list(self, path: str, **query: str) -> list[Json]:
        """Return a complete list."""
        items: list[Json] = []
        page = await self.get(path, limit=200, **query)
        while page["has_more"]:
            items += page["data"]
            page = await self.get(path, limit=200, cursor=page["next_cursor"], **query)
        items += page["data"]
        return items


class Owned(NamedTuple):
    """A company, the key of its admin, and an id of each kind of resource that it has."""

    tenant: Tenant
    headers: dict[str, str]
    ids: dict[str, str]

    def path(self, operation: Operation, foreign: "Owned | None" = None, *, whole: bool = True) -> str:
        """Return the path of an operation with the company's own ids, or with all or only the last of another's."""
        parts = operation.path.replace(":path}", "}").split("/")
        at = [index for index, part in enumerate(parts) if part.startswith("{")]
        for index in at:
            owner = self if foreign is None or (not whole and index != at[-1]) else foreign
            parts[index] = owner.ids[kind_of(parts, index)]
        return "/".join(parts) + QUERIES.get(operation.name, "")


def kind_of(parts: list[str], index: int) -> str:
    """Return the kind of a path parameter: the segment before it, such as ``attachments`` or ``companies``."""
    return parts[index - 1]


def _dry_run(number: str, name: str) -> Json:
    return {"tickets": [number], "action": {"type": "note", "text": f"{name} by a job"}, "dry_run": True}


def _delivery(tenant: Tenant, hook: Json, name: str) -> NewDelivery:
    payload = b'{"a": "%b"}' % name.encode()
    return NewDelivery(tenant.company.id, UUID(hook["id"]), uuid4(), None, "ping", None, payload)


async def own(client: httpx.AsyncClient, database: Database, name: str) -> Owned:
    """Add a company with one resource of each kind; all its texts contain its name."""
    tenant = await new_tenant(database, f"{name} Ltd")
    code = tenant.company.code
    async with database.transaction() as tx:
        admin = await accounts.add_user(
            tx, OPERATOR, code, name=f"{name} admin", email=f"{name}@example.com", phone=name,
            role=Role.CUSTOMER_ADMIN, now=NOW,
        )  # fmt: skip
        key, secret = await keys.create_key(tx, OPERATOR, code, user_id=admin.id, name=name, now=NOW)
        await inventory.add_service(tx, OPERATOR, code, f"{name}-service", "Port", f"{name} label", now=NOW)
        domain = await mail_domains.add_domain(
            tx, OPERATOR, code, f"{name}-{code}.example.com".lower(), by=Proof.STAFF, now=NOW
        )
    headers = {"Authorization": f"Bearer {secret}"}

    async def post(path: str, body: Json) -> Json:
        answer = await client.post(API + path, headers=headers, json=body)
        assert answer.status_code in {200, 201, 202}, answer.text
        created: Json = answer.json()
        return created

    texts = {"title": f"{name} title", "description": f"{name} text"}
    ticket = {**texts, "issue_type": "Others", "service": {"id": f"{name}-service", "type": "Port"}}
    numbers = [(await post("/tickets", {**ticket, "external_ids": {name: name}}))["number"] for _ in range(2)]
    at = f"/tickets/{numbers[0]}"
    note = await post(f"{at}/notes", {"text": f"{name} note"})
    trimmed = f"{name} trimmed"
    async with database.statement() as tx:
        await tx.write(
            "update note set mail_id = $1, trimmed_text = $2 where company_id = $3", uuid4(), trimmed, tenant.company.id
        )
    link = await post(f"{at}/links", {"type": "related", "ticket": numbers[1]})
    case_id = await _add_case(database, numbers[0], name)
    await post(f"{at}/watchers", {"user": "me"})
    view = await post("/views", {"name": f"{name} view", "query": name, "is_shared": True})
    template = await post("/ticket-templates", {"name": f"{name} template", "title": f"{name} title"})
    job = await post("/bulk", _dry_run(numbers[1], name))
    await done(client, headers, job)
    hook = await post("/subscriptions", {"url": f"https://hooks.example.com/{name}", "is_active": False})
    delivery = _delivery(tenant, hook, name)
    async with database.statement() as tx:
        await delivery_store.insert(tx, [delivery], now=NOW)
    text = {**headers, "content-type": "text/plain"}
    file = await client.post(f"{API}{at}/attachments?name={name}.txt", headers=text, content=name.encode())
    assert file.status_code == 201, file.text
    shared = {kind: (await client.get(f"{API}/{kind}", headers=headers)).json()["data"][0]["id"] for kind in SHARED}
    ids = shared | {
        "subscriptions": hook["id"], "deliveries": str(delivery.id),
        "tickets": numbers[0], "other": numbers[1], "notes": note["id"], "links": link["id"],
        "watchers": str(admin.id), "cases": str(case_id), "views": view["id"], "ticket-templates": template["id"],
        "jobs": job["id"],
        "companies": str(tenant.company.id), "users": str(admin.id), "domains": str(domain.id), "keys": str(key.id),
        "services": f"{name}-service", "handovers": NOBODY, "fields": NOBODY, "forms": NOBODY, "macros": NOBODY,
        "form-definitions": NOBODY, "queues": NOBODY, "routing-rules": NOBODY, "teams": NOBODY, "terms": NOBODY,
        "members": str(admin.id), "mailboxes": NOBODY, "inbound-mails": NOBODY, "outbound-mails": NOBODY,
        "mail-suppressions": NOBODY, "mail-templates": NOBODY, "mail-opt-outs": NOBODY, "feedback": NOBODY,
        "redactions": NOBODY, "erasures": NOBODY, "attachments": file.json()["id"], "tiers": "gold",
    }  # fmt: skip
    return Owned(tenant, headers, ids)


async def _add_case(database: Database, number: str, name: str) -> UUID:
    values = {"party": f"{name} party", "number": f"{name} case", "notes": f"{name} case notes"}
    async with database.transaction() as tx:
        return (await cases.add_case(tx, OPERATOR, int(number[3:]), values, now=NOW)).id


async def done(client: httpx.AsyncClient, headers: dict[str, str], job: Json) -> None:
    """Wait until a job is done."""
    async with asyncio.timeout(patient(20)):
        while (  # noqa: ASYNC110 - nothing signals it
            await client.get(f"{API}/jobs/{job['id']}", headers=headers)
        ).json()["state"] != "done":
            await asyncio.sleep(0.05)


async def add_field(client: httpx.AsyncClient, admin: Headers, key: str, **members: Any) -> Json:
    """Add a field of tickets; ``members`` replace the defaults."""
    body = {"record": "ticket", "key": key, "label": key.replace("_", " ").title(), "type": "text", **members}
    answer = await client.post(FIELDS, headers=admin, json=body)
    assert answer.status_code == 201, answer.text
    added: Json = answer.json()
    return added


async def no_forms(database: Database) -> None:
    """Remove all forms, so that every issue type has the default one."""
    async with database.transaction() as tx:
        await tx.write("delete from form")
        tx.changes_memory = True


async def no_fields(database: Database) -> None:
    """Remove all fields and values, which other tests would be asked for."""
    async with database.transaction() as tx:
        await tx.write("update ticket set fields = null where fields is not null")
        await tx.write("update service set fields = null where fields is not null")
        await tx.write("update company set fields = null where fields is not null")
        await tx.write("delete from field")
        tx.changes_memory = True
