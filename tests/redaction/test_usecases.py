"""Who may redact, what is refused, what others see of it, and that the work survives faults."""

from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from clearline import clock
from clearline.catalogue import term_usecases as terms
from clearline.catalogue.term_domain import TermKind
from clearline.fields import usecases as own_fields
from clearline.fields.domain import FieldType, Option, RecordKind
from clearline.identity import OPERATOR, ROLE_SCOPES, Role, Scope
from clearline.platform.database.transactions import Database
from clearline.redaction import steps
from clearline.redaction.domain import Step
from clearline.redaction.worker import work_on
from clearline.redactor import MARK, RedactedPage
from clearline.tickets import note_usecases as notes
from clearline.tickets.attachments.blobs import Blobs
from clearline.tickets.attachments.blobs_disk import DiskBackend
from clearline.tickets.domain import Channel, parse_ticket_number
from clearline.tickets.links import usecases as links
from clearline.tickets.links.domain import LinkType
from clearline.tickets.note_domain import worklog_id
from tests.builders.house import new_ticket
from tests.builders.people import NOW, Tenant, new_staff

Json = dict[str, Any]
REASON = "A password"


@pytest.fixture(scope="module")
def has_workers() -> bool:
    return False


@pytest.fixture
async def blobs(tmp_path: Path) -> Blobs:
    return Blobs(DiskBackend(tmp_path))


@pytest.fixture
async def admin(database: Database) -> dict[str, str]:
    return (await new_staff(database, Role.ADMIN)).headers


async def redact(client: httpx.AsyncClient, headers: dict[str, str], number: str, **body: object) -> httpx.Response:
    return await client.post(f"/api/v1/tickets/{number}/redactions", headers=headers, json={"reason": REASON} | body)


async def finish(database: Database, blobs: Blobs, at: timedelta = timedelta()) -> None:
    """Do the work of redactions that is due."""
    while await work_on(database, blobs, lambda: clock.now() + at, secret_key=None, settle=timedelta()):
        pass


def test_only_admins_have_the_scope() -> None:
    assert {role for role in Role if Scope.TICKETS_REDACT in ROLE_SCOPES[role]} == {Role.ADMIN, Role.OPERATOR}


@pytest.mark.parametrize("role", [Role.AGENT, Role.VIEWER])
async def test_other_staff_and_customers_may_not_redact(
    client: httpx.AsyncClient, database: Database, tenant: Tenant, role: Role
) -> None:
    number = (await new_ticket(client, tenant))["number"]
    staff = await new_staff(database, role)
    for headers in (staff.headers, tenant.headers):
        answer = await redact(client, headers, number, target="title", text="Port")
        assert (answer.status_code, answer.json()["code"]) == (403, "scope-missing")
    assert (await client.get(f"/api/v1/tickets/{number}/redactions", headers=staff.headers)).json()["data"] == []
    answer = await client.get(f"/api/v1/tickets/{number}/redactions", headers=tenant.headers)
    assert answer.status_code == 403


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"target": "description", "text": "ab"}, "/text"),
        ({"target": "description", "text": "  a  "}, "/text"),
        ({"target": "description", "text": "redacted"}, "/text"),
        ({"target": "description", "text": "not there"}, "/text"),
        ({"target": "description", "text": "x" * 1001}, "/text"),
        ({"target": "description"}, "/text"),
        ({"target": "description", "text": "No light", "start": 0}, "/start"),
        ({"target": "description", "start": 500, "length": 10}, "/text"),
        ({"target": "description", "text": "No light", "id": "x"}, "/id"),
        ({"target": "note", "text": "No light"}, "/id"),
        ({"target": "attachment", "id": "x", "text": "No light"}, "/text"),
        ({"target": "description", "text": "No light", "reason": "it said NO LIGHT there"}, "/reason"),
        ({"target": "description", "text": "No light", "reason": " "}, "/reason"),
    ],
    ids=[
        "short", "blank", "the mark", "absent", "long", "without words", "twice", "outside", "with an id",
        "note without id", "file with words", "reason with the words", "blank reason",
    ],
)  # fmt: skip
async def test_what_cannot_be_redacted_is_refused(
    client: httpx.AsyncClient, tenant: Tenant, admin: dict[str, str], body: Json, pointer: str
) -> None:
    number = (await new_ticket(client, tenant))["number"]
    answer = await redact(client, admin, number, **body)
    assert answer.status_code in {400, 422}, answer.text
    assert pointer in {error["pointer"] for error in answer.json()["errors"]}


@pytest.mark.parametrize(
    "body",
    [
        {"target": "note", "id": "WLG999999999999", "text": "No light"},
        {"target": "attachment", "id": "no-id"},
        {"target": "mail", "id": "5f0c9a56-2c1e-4d59-9d0e-0f5a3c1b7e42", "text": "No light"},
    ],
    ids=["note", "file", "mail"],
)
async def test_what_is_not_there_is_not_found(
    client: httpx.AsyncClient, tenant: Tenant, admin: dict[str, str], body: Json
) -> None:
    number = (await new_ticket(client, tenant))["number"]
    assert (await redact(client, admin, number, **body)).status_code == 404


async def test_the_ticket_has_a_new_version_and_says_who_and_what_but_not_the_words(
    client: httpx.AsyncClient, database: Database, tenant: Tenant, admin: dict[str, str], blobs: Blobs
) -> None:
    number = (await new_ticket(client, tenant, description="It is hunter22, really"))["number"]
    path = f"/api/v1/tickets/{number}"
    before = await client.get(path, headers=tenant.headers)
    text = "hunter22"
    seen = await client.post(path + "/redactions/preview", headers=admin, json={"target": "description", "text": text})
    assert seen.json() == {"places": 1, "tickets": [number], "texts": 1, "mails": 0, "others": 0}
    assert (await client.get(path, headers=tenant.headers)).headers["etag"] == before.headers["etag"]
    stale = await redact(client, admin | {"If-Match": '"other"'}, number, target="description", text=text)
    assert stale.status_code == 412
    done = await redact(client, admin, number, target="description", start=6, length=8)
    assert done.status_code == 201, done.text
    assert done.headers["location"] == f"{path}/redactions/{done.json()['id']}"
    after = await client.get(path, headers=tenant.headers)
    assert after.json()["description"] == f"It is {MARK}, really"
    assert after.headers["etag"] != before.headers["etag"]
    assert after.json()["version"] == before.json()["version"] + 1
    events = (await client.get(f"{path}/history", headers=tenant.headers)).json()["data"]
    assert events[-1]["type"] == "ticket.redacted"
    assert events[-1]["data"] == {
        "id": done.json()["id"], "target": "description", "visibility": "public", "count": 1,
    }  # fmt: skip
    await finish(database, blobs)
    listed = (await client.get(f"{path}/redactions", headers=admin)).json()["data"]
    assert [entry["reason"] for entry in listed] == [REASON]
    assert listed[0]["finished_at"] is not None
    assert "hunter22" not in str(listed)


async def test_a_customer_is_not_told_of_a_redaction_of_internal_notes(
    client: httpx.AsyncClient, tenant: Tenant, admin: dict[str, str]
) -> None:
    number = (await new_ticket(client, tenant))["number"]
    path = f"/api/v1/tickets/{number}"
    body = {"text": "The key is hunter22", "visibility": "internal"}
    note = (await client.post(f"{path}/notes", headers=admin, json=body)).json()
    before = await client.get(path, headers=tenant.headers)
    answer = await redact(client, admin, number, target="note", id=note["id"], text="hunter22")
    assert answer.status_code == 201, answer.text
    assert (await client.get(path, headers=tenant.headers)).headers["etag"] == before.headers["etag"]
    types = [event["type"] for event in (await client.get(f"{path}/history", headers=tenant.headers)).json()["data"]]
    assert "ticket.redacted" not in types
    kept = (await client.get(f"{path}/notes/{note['id']}", headers=admin)).json()
    assert kept["text"] == f"The key is {MARK}"


async def test_another_companys_ticket_keeps_its_words(
    client: httpx.AsyncClient,
    database: Database,
    tenant: Tenant,
    other_tenant: Tenant,
    admin: dict[str, str],
    blobs: Blobs,
) -> None:
    mine = (await new_ticket(client, tenant, description="The word is hunter33"))["number"]
    linked = (await new_ticket(client, tenant, description="Again hunter33"))["number"]
    apart = (await new_ticket(client, tenant, description="Not linked hunter33"))["number"]
    theirs = (await new_ticket(client, other_tenant, description="The word is hunter33"))["number"]
    async with database.transaction() as tx:
        for other in (theirs, linked):
            number = parse_ticket_number(mine) or 0
            await links.add_link(tx, OPERATOR, number, LinkType.RELATED, parse_ticket_number(other) or 0, now=NOW)
    answer = await redact(client, admin, mine, target="description", text="hunter33")
    assert answer.json()["tickets"] == sorted([mine, linked])
    await finish(database, blobs)
    descriptions = [
        (await client.get(f"/api/v1/tickets/{number}", headers=admin)).json()["description"]
        for number in (mine, linked, apart, theirs)
    ]
    assert descriptions == [
        f"The word is {MARK}", f"Again {MARK}", "Not linked hunter33", "The word is hunter33",
    ]  # fmt: skip


async def test_the_second_round_rewrites_what_was_on_its_way(
    client: httpx.AsyncClient, database: Database, tenant: Tenant, admin: dict[str, str], blobs: Blobs
) -> None:
    number = (await new_ticket(client, tenant, description="It is hunter44"))["number"]
    await redact(client, admin, number, target="description", text="hunter44")
    async with database.transaction() as tx:
        late = await notes.append_note(
            tx, OPERATOR, parse_ticket_number(number) or 0, "> It is hunter44", channel=Channel.EMAIL, now=clock.now()
        )
    await finish(database, blobs)
    note = await client.get(f"/api/v1/tickets/{number}/notes/{worklog_id(late.number)}", headers=admin)
    assert note.json()["text"] == f"> It is {MARK}"


async def test_work_that_fails_goes_on_where_it_was(
    client: httpx.AsyncClient, database: Database, tenant: Tenant, admin: dict[str, str], blobs: Blobs,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    number = (await new_ticket(client, tenant, description="It is hunter55"))["number"]
    started = (await redact(client, admin, number, target="description", text="hunter55")).json()
    real = steps.PAGES[Step.DELIVERIES]

    async def fail(_tx: object, _look: object) -> RedactedPage:
        raise ValueError("a row with hunter55")

    monkeypatch.setitem(steps.PAGES, Step.DELIVERIES, fail)
    await finish(database, blobs)
    path = f"/api/v1/tickets/{number}/redactions/{started['id']}"
    assert (await client.get(path, headers=admin)).json()["finished_at"] is None
    assert "hunter55" not in "".join(capsys.readouterr())
    async with database.transaction() as tx:
        row = await tx.fetchrow("select step, sealed from redaction where id = $1::uuid", started["id"])
    assert row is not None
    assert row[0] == Step.DELIVERIES
    assert b"hunter55" not in row[1]
    monkeypatch.setitem(steps.PAGES, Step.DELIVERIES, real)
    await finish(database, blobs, timedelta(minutes=6))
    assert (await client.get(path, headers=admin)).json()["finished_at"] is not None


async def test_keys_of_the_catalogue_stay_when_they_are_the_words(
    client: httpx.AsyncClient, database: Database, tenant: Tenant, admin: dict[str, str], blobs: Blobs
) -> None:
    key = f"splice_{uuid4().hex[:8]}"
    async with database.transaction() as tx:
        for kind in (TermKind.SUB_STATUS, TermKind.WAITING_REASON):
            await terms.add_term(
                tx, OPERATOR, {"kind": kind, "key": key, "label": key, "statuses": ("held",)}, now=clock.now()
            )
        options = (Option(key, "Splice"), Option("other", "Other"))
        for name, more in (
            (key, {"type": FieldType.TEXT}),
            (f"{key}_one", {"type": FieldType.CHOICE, "options": options}),
            (f"{key}_few", {"type": FieldType.CHOICES, "options": options}),
        ):
            values = {"record": RecordKind.TICKET, "key": name, "label": name, **more}
            await own_fields.add_field(tx, OPERATOR, values, now=clock.now())
    number = (await new_ticket(client, tenant, description=f"say {key} to get in"))["number"]
    path, fields = f"/api/v1/tickets/{number}", {key: f"the {key}", f"{key}_one": key, f"{key}_few": [key, "other"]}
    changed = await client.patch(path, headers={**admin, "If-Match": "*"}, json={"fields": fields})
    assert changed.status_code == 200, changed.text
    held = {"status": "held", "reason": key, "sub_status": key, "waiting": {"reason": key, "text": f"{key}!"}}
    moved = await client.post(f"{path}/status", headers=admin, json=held)
    assert moved.status_code == 200, moved.text

    answer = await redact(client, admin, number, target="description", text=key)
    assert answer.status_code == 201, answer.text
    await finish(database, blobs)

    ticket = (await client.get(path, headers=admin)).json()
    kept = {f"{key}_one": key, f"{key}_few": [key, "other"]}
    assert {name: ticket["fields"].get(name) for name in fields} == {key: f"the {MARK}", **kept}
    assert (ticket["sub_status"], ticket["waiting"]["reason"], ticket["waiting"]["text"]) == (key, key, f"{MARK}!")
    assert ticket["description"] == f"say {MARK} to get in"
    events = {
        each["type"]: each["data"] for each in (await client.get(f"{path}/history", headers=admin)).json()["data"]
    }
    status = events["ticket.status_changed"]
    assert (status["reason"], status["sub_status"]) == (MARK, key)
    assert status["waiting"] == {"reason": key, "text": f"{MARK}!"}
    after = {each["field"]: each["after"] for each in events["ticket.changed"]["changes"]}
    assert after == {f"fields.{key}": f"the {MARK}", **{f"fields.{name}": value for name, value in kept.items()}}


async def test_words_of_the_program_do_not_break_what_it_reads(
    client: httpx.AsyncClient, database: Database, tenant: Tenant, admin: dict[str, str], blobs: Blobs
) -> None:
    number = (await new_ticket(client, tenant, description="public title, in_progress, acknowledged"))["number"]
    path = f"/api/v1/tickets/{number}"
    await client.post(f"{path}/status", headers=admin, json={"status": "in_progress", "reason": "it was acknowledged"})
    for words in ("acknowledged", "in_progress", "public", "title"):
        answer = await redact(client, admin, number, target="description", text=words)
        assert answer.status_code == 201, answer.text
    await finish(database, blobs)
    events = (await client.get(f"{path}/history", headers=tenant.headers)).json()["data"]
    moved = next(event for event in events if event["type"] == "ticket.status_changed")
    assert (moved["data"]["before"], moved["data"]["after"]) == ("acknowledged", "in_progress")
    assert moved["data"]["reason"] == f"it was {MARK}"
    assert (await client.get(path, headers=tenant.headers)).json()["status"] == "in_progress"
