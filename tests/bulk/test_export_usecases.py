import csv
import io
import json
from datetime import timedelta
from typing import Any

import pytest

from clearline.bulk import export_usecases as exports
from clearline.bulk import import_file
from clearline.bulk import import_usecases as imports
from clearline.bulk.domain import ItemOutcome
from clearline.bulk.import_file import Format
from clearline.catalogue.assessment import Impact, Priority, Severity
from clearline.errors import NotFound, ScopeMissing
from clearline.fields import usecases as fields
from clearline.fields.domain import FieldAudience, FieldType, RecordKind, RefersTo
from clearline.identity import OPERATOR, Actor
from clearline.platform.database.transactions import Database
from clearline.reminders.domain import ReminderChange
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets import note_usecases as notes
from clearline.tickets import usecases as tickets
from clearline.tickets.cases import usecases as cases
from clearline.tickets.contact import ContactRole, Person, PersonKind
from clearline.tickets.contacts import usecases as people
from clearline.tickets.domain import Channel, Status, Waiting, ticket_number
from clearline.tickets.faults.domain import DetectedBy, Fault, PathState, ServiceEnd, SiteAccess, TestingConsent
from clearline.tickets.links import merge_usecases as merging
from clearline.tickets.note_domain import Visibility
from clearline.tickets.progress.facts import StatusFacts
from clearline.tickets.status_domain import State
from clearline.tickets.third_parties.domain import CaseRef
from tests.builders.house import no_fields
from tests.builders.people import NOW, Tenant, id_of, new_person, new_tenant
from tests.builders.tickets import a_new_ticket, raised

INTERNAL = {"queue", "assignee", "tags", "reminder", "is_chronic", "cases"}


async def read_export(database: Database, actor: Actor, kind: Format = "ndjson", **filters: Any) -> str:
    async with database.statement() as tx:
        export = await exports.prepare(tx, actor, **({"state": "all"} | filters))
    return b"".join([part async for part in exports.read(database, export, kind)]).decode()


async def lines(database: Database, actor: Actor, **filters: Any) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (await read_export(database, actor, **filters)).split("\n") if line]


async def test_a_customer_exports_its_own_tickets_without_internal_text(database: Database, tenant: Tenant) -> None:
    other = await new_tenant(database)
    async with database.transaction() as tx:
        agent = await new_person(tx)
        number = await raised(tx, tenant)
        await raised(tx, other)
        await ticket_changes.change_ticket(tx, agent, number, {"assignee_id": id_of(agent), "tags": ("vip",)}, now=NOW)
        for text, visibility in (("for all", Visibility.PUBLIC), ("for us", Visibility.INTERNAL)):
            await notes.add_note(tx, agent, number, text, channel=Channel.API, visibility=visibility, now=NOW)
    [shown] = await lines(database, tenant.actor)
    assert (shown["number"], shown["company"]) == (ticket_number(number), tenant.company.code)
    assert not INTERNAL & set(shown)
    assert [note["text"] for note in shown["notes"]] == ["for all"]
    [full] = await lines(database, agent, company=tenant.company.code)
    internal = {
        "queue": None,
        "assignee": "Ben Ito",
        "tags": ["vip"],
        "reminder": None,
        "is_chronic": False,
        "cases": [],
    }
    assert {name: full[name] for name in INTERNAL} == internal
    assert [note["text"] for note in full["notes"]] == ["for all", "for us"]
    assert (full["version"], shown["version"]) == (4, 2)
    assert {key: value for key, value in full.items() if key not in INTERNAL | {"notes", "version"}} == {
        key: value for key, value in shown.items() if key not in {"notes", "version"}
    }
    assert len({ticket["company"] for ticket in await lines(database, agent)}) == 2
    table = await read_export(database, tenant.actor, "csv")
    assert not INTERNAL & set(table.splitlines()[0].split(","))


async def test_a_customer_cannot_export_another_company(
    database: Database, tenant: Tenant, other_tenant: Tenant
) -> None:
    writer = await new_tenant(database, scopes=frozenset({"tickets:write"}))
    async with database.statement() as tx:
        for name in (other_tenant.company.code, "nobody"):
            with pytest.raises(NotFound):
                await exports.prepare(tx, tenant.actor, state="all", company=name)
        own = await exports.prepare(tx, tenant.actor, state="all", company=tenant.company.code)
        with pytest.raises(ScopeMissing):
            await exports.prepare(tx, writer.actor, state="all")
    assert own.companies == (tenant.company.id,)


@pytest.mark.parametrize("state", ["open", "finished", "all"])
@pytest.mark.parametrize("of_all", [False, True])
@pytest.mark.parametrize("batch", [1, 2, 500])
async def test_an_export_has_each_ticket_once_whatever_its_batches(
    database: Database, monkeypatch: pytest.MonkeyPatch, state: State, batch: int, *, of_all: bool
) -> None:
    monkeypatch.setattr(exports, "BATCH", batch)
    tenant, other = await new_tenant(database), await new_tenant(database)
    async with database.transaction() as tx:
        numbers = [await raised(tx, owner) for owner in (tenant, other, tenant, tenant, other, tenant)]
        finished = numbers[1:4]
        for number in finished:
            await ticket_changes.move_ticket(tx, OPERATOR, number, Status.REJECTED, reason="", now=NOW)
    expected = [n for n in numbers if state == "all" or (n in finished) == (state == "finished")]
    if of_all:
        exported_tickets = await lines(database, OPERATOR, state=state)
        mine = [
            ticket["number"]
            for ticket in exported_tickets
            if ticket["company"] in {tenant.company.code, other.company.code}
        ]
        assert mine == [ticket_number(n) for n in expected]
        assert [ticket["number"] for ticket in exported_tickets] == sorted(
            {ticket["number"] for ticket in exported_tickets}
        )
        return
    exported_tickets = await lines(database, tenant.actor, state=state)
    own = {numbers[0], numbers[2], numbers[3], numbers[5]}
    assert [ticket["number"] for ticket in exported_tickets] == [ticket_number(n) for n in expected if n in own]


async def test_an_export_since_a_time_has_no_older_tickets(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "BATCH", 1)
    tenant = await new_tenant(database)
    async with database.transaction() as tx:
        for days in (3, 2, 1, 0):
            at = NOW - timedelta(days=days)
            await tickets.create_ticket(tx, tenant.actor, a_new_ticket(f"{days} days"), now=at)
    exported_tickets = await lines(database, tenant.actor, created_since=NOW - timedelta(days=1))
    assert [ticket["title"] for ticket in exported_tickets] == ["1 days", "0 days"]


async def test_an_empty_export_is_empty_or_a_heading(database: Database) -> None:
    tenant = await new_tenant(database)
    assert await read_export(database, tenant.actor) == ""
    assert (await read_export(database, tenant.actor, "csv")).count("\r\n") == 1


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20", "'"])
async def test_no_cell_is_a_formula(database: Database, sign: str) -> None:
    tenant = await new_tenant(database)
    async with database.transaction() as tx:
        await raised(tx, tenant, f'{sign}cmd|"x"')
    text = await read_export(database, tenant.actor, "csv")
    [row] = csv.DictReader(io.StringIO(text, newline=""))
    assert row["title"] == f'\'{sign}cmd|"x"'
    assert row["contact_phone"] == "'+1-555-0199"
    assert row["description"] == "Slow since 08:00 UTC"


@pytest.mark.parametrize("kind", ["ndjson", "csv"])
async def test_an_export_can_be_imported(database: Database, kind: Format) -> None:
    tenant = await new_tenant(database)
    async with database.transaction() as tx:
        number = await raised(tx, tenant, "=1+1")
        await notes.add_note(tx, tenant.actor, number, "hello", channel=Channel.API, now=NOW)
        await ticket_changes.tag(tx, OPERATOR, number, add=("a", "b"), now=NOW)
        contacts = [Person(PersonKind.CONTACT, "nia@example.com", "=Nia", "+1-555-0142", (ContactRole.TECHNICAL,))]
        cc = [Person(PersonKind.CC, "noc@example.org", "Noc")]
        await people.set_people(tx, OPERATOR, number, contacts=contacts, cc=cc, now=NOW)
        case = {"party": "=Fernhill", "number": "FH-1", "contact_name": "Noc", "expected_at": NOW, "notes": "a\nb"}
        await cases.add_case(tx, OPERATOR, number, case, now=NOW)
        for to in (Status.IN_PROGRESS, Status.RESOLVED):
            await ticket_changes.move_ticket(tx, OPERATOR, number, to, reason="", now=NOW)
    exported = (await read_export(database, OPERATOR, kind, company=tenant.company.code)).encode()
    [item] = import_file.read_file(exported, kind, now=NOW)
    assert item.refusal is None
    async with database.transaction() as tx:
        await imports.import_ticket(tx, OPERATOR, item.input, now=NOW)
    first, second = await lines(database, OPERATOR, company=tenant.company.code)
    assert second["contacts"] == [
        {"name": "=Nia", "email": "nia@example.com", "phone": "+1-555-0142", "roles": ["technical"]}
    ]
    assert second["cc"] == [{"email": "noc@example.org", "name": "Noc"}]
    assert [(case["party"], case["contact"]["name"], case["notes"]) for case in second["cases"]] == [
        ("=Fernhill", "Noc", "a\nb")
    ]
    changing = {"number", "version", "channel", "notes"}
    assert {k: v for k, v in first.items() if k not in changing} == {
        k: v for k, v in second.items() if k not in changing
    }
    assert [note["text"] for note in second["notes"]] == (["hello"] if kind == "ndjson" else [])


@pytest.mark.parametrize("kind", ["ndjson", "csv"])
@pytest.mark.parametrize(
    "title",
    [
        "'=1+1", "'quoted'", "\n=1+1", "\uff1dSUM(A1)", "-", "a;b\tc,d\r\ne", "'", "''", "'''=", '"', '""x""', "\tx\t",
        " x ", "\rx\r", "x\r\n\r\n", "a\u2028b\u2029c\x85d\x0be\x0cf\x1cg", "\u202eevil\u202c \u05e9\u05dc\u05d5\u05dd",
        "\ufeffx", "\x01\x1b[31m\x7f\x9b", "sep=;", "null", "0012", "1e5", "TRUE", "\uff07=x", "\U0001f600" * 255,
        "e\u0301 \u00e9",
    ],
    ids=ascii,
)  # fmt: skip
async def test_an_export_and_an_import_change_nothing(database: Database, kind: Format, title: str) -> None:
    tenant = await new_tenant(database)
    values = {
        "external_ids": {"oldesk": "=4711", "crm": "'7"}, "impact": Impact.DEGRADED, "severity": Severity.MINOR,
        "reminder": ReminderChange(NOW + timedelta(days=1), "=Call", cancelled_by_answer=True),
        "priority": Priority.LOW, "occurred_at": NOW - timedelta(days=3), "fault": Fault(
            DetectedBy.PROVIDER_MONITORING, f"{title} nightly", Impact.DOWN, ServiceEnd.A, PathState.BOTH_DOWN,
            TestingConsent.WITHIN_HOURS, f"{title} hours", False, SiteAccess(f"{title} desk", None, f"{title} laser"),
        ),
    }  # fmt: skip
    async with database.transaction() as tx:
        number = await raised(tx, tenant, title)
        await tx.write(
            "update ticket set asked_severity = 'moderate', asked_priority = 'high' where number = $1", number
        )
        await ticket_changes.change_ticket(tx, OPERATOR, number, values, now=NOW)
    exported = await read_export(database, OPERATOR, kind, company=tenant.company.code)
    [item] = import_file.read_file(exported.encode(), kind, now=NOW)
    assert item.refusal is None
    async with database.transaction() as tx:
        again = await imports.import_ticket(tx, OPERATOR, item.input, now=NOW)
        assert (again.outcome, again.ticket_number) == (ItemOutcome.UNCHANGED, number)
        [first] = await lines(database, OPERATOR, company=tenant.company.code)
        await ticket_changes.change_ticket(tx, OPERATOR, number, {"external_ids": {}}, now=NOW)
        assert (await imports.import_ticket(tx, OPERATOR, item.input, now=NOW)).outcome is ItemOutcome.DONE
    _first, second = await lines(database, OPERATOR, company=tenant.company.code)
    changing = {"number", "version", "channel"}
    assert {name: value for name, value in second.items() if name not in changing} == {
        name: value for name, value in first.items() if name not in changing
    }


async def test_a_table_has_a_byte_order_mark_on_request(database: Database, fresh: Tenant) -> None:
    async with database.statement() as tx:
        export = await exports.prepare(tx, fresh.actor, state="all")
    for bom in (False, True):
        table = b"".join([part async for part in exports.read(database, export, "csv", bom=bom)])
        assert table.startswith(b"\xef\xbb\xbfnumber," if bom else b"number,")


async def test_the_notes_of_merged_tickets_stand_at_the_target_too(database: Database, fresh: Tenant) -> None:
    async with database.transaction() as tx:
        target, source = await raised(tx, fresh), await raised(tx, fresh)
        for text, visibility in (("for all", Visibility.PUBLIC), ("for us", Visibility.INTERNAL)):
            await notes.add_note(tx, OPERATOR, source, text, channel=Channel.API, visibility=visibility, now=NOW)
        await merging.merge_ticket(tx, OPERATOR, source, target, now=NOW)
    for actor, texts in ((fresh.actor, ["for all"]), (OPERATOR, ["for all", "for us"])):
        [line] = await lines(database, actor, state="open", company=fresh.company.code)
        assert line["number"] == ticket_number(target)
        merged = [note for note in line["merged_notes"] if note["source"] != "system"]
        assert [(note["ticket"], note["text"]) for note in merged] == [(ticket_number(source), text) for text in texts]
        assert not {note["number"] for note in merged} & {note["number"] for note in line["notes"]}
        again = await lines(database, actor, state="finished", company=fresh.company.code)
        assert [line["merged_notes"] for line in again] == [[]]
    exported = (await read_export(database, OPERATOR, state="open", company=fresh.company.code)).encode()
    [item] = import_file.read_file(exported, "ndjson", now=NOW)
    assert item.refusal is None
    assert "for all" not in item.input


@pytest.mark.parametrize("kind", ["ndjson", "csv"])
async def test_a_ticket_that_waits_for_a_case_moves_with_it(database: Database, kind: Format) -> None:
    tenant = await new_tenant(database)
    async with database.transaction() as tx:
        number = await raised(tx, tenant)
        case = await cases.add_case(tx, OPERATOR, number, {"party": "Fernhill", "number": "FH-1"}, now=NOW)
        facts = StatusFacts(waiting=Waiting("third_party", case=CaseRef(case.id, "")))
        await ticket_changes.move_ticket(tx, OPERATOR, number, Status.HELD, reason="", facts=facts, now=NOW)
    exported = (await read_export(database, OPERATOR, kind, company=tenant.company.code)).encode()
    [item] = import_file.read_file(exported, kind, now=NOW)
    assert item.refusal is None
    async with database.transaction() as tx:
        stored = await imports.import_ticket(tx, OPERATOR, item.input, now=NOW)
        assert stored.ticket_number is not None
        view = await tickets.get_ticket(tx, OPERATOR, stored.ticket_number)
        events = [event.type for event in await tickets.history(tx, OPERATOR, stored.ticket_number)]
    assert view.cases == (case,)
    assert view.ticket.waiting is not None
    assert view.ticket.waiting.case == CaseRef(case.id, "Fernhill", "FH-1")
    assert events == ["ticket.created", "ticket.case_added"]
    for_customer = await read_export(database, tenant.actor, kind)
    assert "Fernhill" not in for_customer
    assert "FH-1" not in for_customer


@pytest.mark.parametrize(
    ("given", "where"),
    [
        ([{"number": "1"}], "/cases/0 is wrong: object missing required field `party`"),
        ([{"party": " "}], "/cases/0/party"),
        ([{"party": "A", "state": "lost"}], "/cases/0/state"),
        ([{"party": "A", "contact": {"email": "x"}}], "/cases/0/contact/email"),
        ([{"party": "A", "number": "1"}, {"party": "a", "number": "1"}], "/cases/1 must not stand twice"),
        ([{"party": "A"}] * 21, "/cases must be at most 20"),
    ],
    ids=["no party", "blank", "state", "address", "twice", "many"],
)
def test_a_wrong_case_is_refused_with_its_line(given: list[dict[str, object]], where: str) -> None:
    line = {
        "company": "BIR001", "title": "Down", "description": "No light", "issue_type": "Others",
        "service": {"id": "X", "type": "Non-Console Service"}, "contact": {"name": "Ada", "email": "ada@example.com"},
        "created_at": "2026-02-01T00:00:00Z", "cases": given,
    }  # fmt: skip
    [item] = import_file.read_file(json.dumps(line).encode(), "ndjson", now=NOW)
    assert item.refusal is not None
    assert where in item.refusal


async def test_a_table_has_the_names_of_references_which_an_import_ignores(database: Database, fresh: Tenant) -> None:
    await no_fields(database)
    async with database.transaction() as tx:
        for key, kind in (("backup", RefersTo.SERVICE), ("partner", RefersTo.COMPANY), ("owner", RefersTo.USER)):
            new = {
                "record": RecordKind.TICKET, "key": key, "label": key, "type": FieldType.REFERENCE, "refers_to": kind,
                "visible_to": FieldAudience.CUSTOMER,
            }  # fmt: skip
            await fields.add_field(tx, OPERATOR, new, now=NOW)
    other = await new_tenant(database)
    values = {"backup": "SVC-2", "partner": str(other.company.id), "owner": str(fresh.user.id)}
    async with database.transaction() as tx:
        number = await raised(tx, fresh)
        await ticket_changes.change_ticket(tx, OPERATOR, number, {"fields": values}, now=NOW)
    table = await read_export(database, OPERATOR, "csv", company=fresh.company.code)
    [row] = csv.DictReader(io.StringIO(table))
    assert {key: row[f"fields_{key}"] for key in values} == values
    assert {key: row[f"name_of_{key}"] for key in values} == {
        "backup": "Service 2", "partner": other.company.name, "owner": fresh.user.name,
    }  # fmt: skip
    [own] = csv.DictReader(io.StringIO(await read_export(database, fresh.actor, "csv")))
    assert (own["name_of_backup"], own["name_of_partner"]) == ("Service 2", "")
    [item] = import_file.read_file(table.encode(), "csv", now=NOW)
    assert item.refusal is None
    assert json.loads(item.input)["fields"] == values
    await no_fields(database)
