import csv
import io
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from clearline.bulk import import_file
from clearline.bulk import import_usecases as imports
from clearline.bulk import usecases as jobs
from clearline.bulk.domain import IMPORT_MAX, ItemOutcome, ItemResult
from clearline.bulk.import_domain import WRITTEN_BY_EXPORT
from clearline.bulk.import_file import Format
from clearline.catalogue.assessment import Impact, Priority, Severity
from clearline.errors import DeskError, Forbidden, InvalidInput, NotFound, ScopeMissing
from clearline.fields.domain import FIELDS_MAX
from clearline.identity import OPERATOR, Actor, Role, Scope
from clearline.platform.database.transactions import Database, Tx
from clearline.tickets import usecases as tickets
from clearline.tickets.domain import Status
from clearline.tickets.note_domain import Source, Visibility
from clearline.tickets.reports import store as report_store
from tests.builders.people import NOW, Tenant, new_person
from tests.builders.tickets import imported

CREATED = datetime(2025, 1, 31, 9, tzinfo=UTC)
RESOLVED = datetime(2025, 2, 2, 9, tzinfo=UTC)


def line(tenant: Tenant, **changes: Any) -> dict[str, Any]:
    return imported(tenant.company.code, **{"created_at": "2025-01-31T10:00:00+01:00", **changes})


def body(*lines: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(members).encode() + b"\n" for members in lines)


async def import_line(tx: Tx, actor: Actor, members: dict[str, Any]) -> ItemResult:
    [item] = import_file.read_file(body(members), "ndjson", now=NOW)
    assert item.refusal is None
    return await imports.import_ticket(tx, actor, item.input, now=NOW)


async def test_a_ticket_keeps_its_history(database: Database, tenant: Tenant) -> None:
    notes = [
        {"text": "second", "author": "Olu", "created_at": "2025-02-01T00:00:00Z", "visibility": "internal"},
        {"text": "first", "author": "Ada", "created_at": "2025-01-31T12:00:00Z", "source": "buyer"},
    ]
    external = {"system": "oldesk", "id": "4711"}
    members = line(
        tenant, status="closed", resolved_at="2025-02-02T09:00:00Z", notes=notes, external=external, tags=["VIP", "a"],
        priority="low",
    )  # fmt: skip
    async with database.transaction() as tx:
        result = await import_line(tx, OPERATOR, members)
        assert result.outcome is ItemOutcome.DONE
        assert result.ticket_number is not None
        view = await tickets.get_ticket(tx, OPERATOR, result.ticket_number)
        all_notes = (await tickets.get_ticket_with_notes(tx, OPERATOR, result.ticket_number)).notes
        public_notes = (await tickets.get_ticket_with_notes(tx, tenant.actor, result.ticket_number)).notes
        [event] = await tickets.history(tx, OPERATOR, result.ticket_number)
        assert await report_store.miscounted(tx) == []
    ticket = view.ticket
    assert (ticket.status, ticket.created_at, ticket.resolved_at, ticket.status_changed_at, ticket.updated_at) == (
        Status.CLOSED, CREATED, RESOLVED, RESOLVED, RESOLVED,
    )  # fmt: skip
    assert (ticket.priority, ticket.severity, ticket.impact, ticket.service_label) == (
        Priority.LOW, Severity.EXTENSIVE, Impact.DOWN, "Service 1",
    )  # fmt: skip
    assert (view.ticket.tags, view.ticket.external_ids) == (("a", "vip"), {"oldesk": "4711"})
    assert [(n.text, n.author, n.visibility, n.source, n.created_at.day) for n in all_notes] == [
        ("first", "Ada", Visibility.PUBLIC, Source.BUYER, 31),
        ("second", "Olu", Visibility.INTERNAL, Source.SELLER, 1),
    ]
    assert [n.text for n in public_notes] == ["first"]
    assert (event.type, event.at, event.data["channel"], event.data["status"]) == (
        "ticket.created", NOW, "System", "closed",
    )  # fmt: skip


@pytest.mark.parametrize("status", list(Status))
async def test_a_ticket_can_be_imported_in_any_status_and_is_counted(
    database: Database, tenant: Tenant, status: Status
) -> None:
    async with database.transaction() as tx:
        result = await import_line(tx, OPERATOR, line(tenant, status=status))
        assert result.ticket_number is not None
        ticket = (await tickets.get_ticket_with_notes(tx, OPERATOR, result.ticket_number)).ticket
        assert await report_store.miscounted(tx) == []
    assert ticket.status is status
    assert ticket.resolved_at == (CREATED if status in {Status.RESOLVED, Status.CLOSED} else None)


async def test_a_ticket_with_an_external_id_is_imported_once_for_each_company(
    database: Database, tenant: Tenant, other_tenant: Tenant
) -> None:
    external = {"system": "oldesk", "id": "once"}
    async with database.transaction() as tx:
        first = await import_line(tx, OPERATOR, line(tenant, external=external))
        again = await import_line(tx, OPERATOR, line(tenant, external=external, title="changed"))
        results = [
            await import_line(tx, OPERATOR, line(other_tenant, external=external)),
            await import_line(tx, OPERATOR, line(tenant, external={"system": "oldesk", "id": "twice"})),
            await import_line(tx, OPERATOR, line(tenant, external={"system": "other", "id": "once"})),
        ]
    assert again == ItemResult(ItemOutcome.UNCHANGED, first.ticket_number)
    assert [result.outcome for result in results] == [ItemOutcome.DONE] * 3


async def test_a_code_takes_precedence_over_a_name(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        await tx.write("insert into company values (gen_random_uuid(), $1, 'TAKES', now())", tenant.company.code)
        result = await import_line(tx, OPERATOR, line(tenant))
        assert result.ticket_number is not None
        ticket = (await tickets.get_ticket_with_notes(tx, OPERATOR, result.ticket_number)).ticket
        await tx.write("delete from company where code = 'TAKES'")
    assert ticket.company_id == tenant.company.id


async def test_a_service_can_be_a_non_console_service(database: Database, tenant: Tenant) -> None:
    service = {"id": "anything", "type": "Non-Console Service"}
    async with database.transaction() as tx:
        assert (await import_line(tx, OPERATOR, line(tenant, service=service))).outcome is ItemOutcome.DONE


@pytest.mark.parametrize(
    ("changes", "error", "field"),
    [
        ({"company": "nobody"}, NotFound, None),
        ({"company": "PROVIDER"}, InvalidInput, "company"),
        ({"service": {"id": "SVC-99", "type": "Port"}}, InvalidInput, "service.id"),
        ({"service": {"id": "SVC-1", "type": "CloudRouter"}}, InvalidInput, "service.type"),
    ],
)
async def test_an_unknown_member_is_refused(
    database: Database, tenant: Tenant, changes: dict[str, Any], error: type[DeskError], field: str | None
) -> None:
    async with database.transaction() as tx:
        with pytest.raises(error) as refused:
            await import_line(tx, OPERATOR, line(tenant, **changes))
    if isinstance(refused.value, InvalidInput):
        assert [violation.field for violation in refused.value.violations] == [field]


async def test_only_desk_admins_import(database: Database, tenant: Tenant) -> None:
    items = import_file.read_file(body(line(tenant)), "ndjson", now=NOW)
    async with database.transaction() as tx:
        for actor in (tenant.actor, await new_person(tx), await new_person(tx, role=Role.VIEWER)):
            with pytest.raises(Forbidden):
                await jobs.create_import_job(tx, actor, items, "ndjson", now=NOW)
            with pytest.raises(Forbidden):
                await import_line(tx, actor, line(tenant))
        admin = await new_person(tx, role=Role.ADMIN)
        job = await jobs.create_import_job(tx, admin, items, "ndjson", now=NOW)
        limited = Actor(admin.role, admin.name, admin.company, admin.user, scopes=frozenset({Scope.TICKETS_READ}))
        with pytest.raises(ScopeMissing):
            await jobs.create_import_job(tx, limited, items, "ndjson", now=NOW)
    assert job.total == 1


COLUMNS_MAX = len(WRITTEN_BY_EXPORT.union(import_file.COLUMNS)) + 2 * FIELDS_MAX
COLUMNS = (
    "company,title,description,issue_type,service_id,service_type,contact_name,contact_email,contact_phone,created_at,"
    "external_system,external_id,tags,status"
)


def table(*lines: list[str], heading: str = COLUMNS) -> bytes:
    output = io.StringIO()
    csv.writer(output).writerows(lines)
    return f"\ufeff{heading}\r\n{output.getvalue()}".encode()


def row(tenant: Tenant, **changes: str) -> list[str]:
    values = dict.fromkeys(COLUMNS.split(","), "") | {
        "company": tenant.company.code, "title": 'Port "7", down', "description": "No\nlight",
        "issue_type": "Circuit Down", "service_id": "SVC-1", "service_type": "Port", "contact_name": "Ada",
        "contact_email": "ada@example.com", "contact_phone": "'+1-555-0100", "created_at": "2025-01-31T09:00:00Z",
    }  # fmt: skip
    return list((values | changes).values())


async def test_a_table_has_the_values_of_the_json_lines(database: Database, tenant: Tenant) -> None:
    items = import_file.read_file(
        table(row(tenant, tags="b a", external_system="oldesk", external_id="csv"), row(tenant)), "csv", now=NOW
    )
    assert [item.refusal for item in items] == [None, None]
    async with database.transaction() as tx:
        result = await imports.import_ticket(tx, OPERATOR, items[0].input, now=NOW)
        assert result.ticket_number is not None
        view = await tickets.get_ticket(tx, OPERATOR, result.ticket_number)
    assert (view.ticket.title, view.ticket.description) == ('Port "7", down', "No\nlight")
    assert (view.ticket.contact.phone, view.ticket.tags) == ("+1-555-0100", ("a", "b"))
    assert view.ticket.external_ids == {"oldesk": "csv"}


def refusals(content: bytes, kind: Format) -> list[str | None]:
    return [item.refusal for item in import_file.read_file(content, kind, now=NOW)]


def test_an_invalid_line_has_a_refusal_and_the_others_stay_valid(tenant: Tenant) -> None:
    good = json.dumps(line(tenant)).encode()
    wrong = json.dumps(line(tenant, service={"id": "", "type": "Port"}, created_at="2030-01-01T00:00:00Z")).encode()
    content = b"\n".join((good, b"{nonsense", b"", b"[1]", wrong, b'{"title": "\\ud800"}', b"[" * 5000, good))
    by_line = refusals(content, "ndjson")
    assert [refusal is None for refusal in by_line] == [True, *[False] * 6, True]
    assert by_line[1] is not None
    assert by_line[1].startswith("line is no JSON")
    assert by_line[2] == "line is empty"
    assert by_line[3] == "line must be a JSON object"
    assert by_line[4] == "/service/id must have 1 to 64 characters; /created_at must not lie in the future"


def test_a_line_that_names_a_member_twice_is_refused(tenant: Tenant) -> None:
    good = json.dumps(line(tenant))
    twice, deeper = good[:-1] + ', "title": "Another"}', good.replace('"service": {', '"service": {"id": "SVC-9", ')
    assert good != deeper
    assert refusals(f"{twice}\n{deeper}\n{good}".encode(), "ndjson") == [
        "line names title more than once",
        "line names id more than once",
        None,
    ]


def test_a_wrong_row_names_its_columns(tenant: Tenant) -> None:
    content = table(
        row(tenant, service_id="x" * 65), row(tenant, contact_email="nobody", status="lost"), [*row(tenant), "more"]
    )
    assert refusals(content, "csv") == [
        "service_id must have 1 to 64 characters",
        "status must be one of " + ", ".join(Status),
        "row has 15 values for 14 columns",
    ]


@pytest.mark.parametrize(
    ("content", "kind", "message"),
    [
        (b"", "ndjson", "file must have a line"),
        (b"\n", "ndjson", "file must have a line"),
        (b"", "csv", "file must have a heading"),
        (b"title\n", "csv", "file must have a line"),
        (b"title,colour\n1,2\n", "csv", "the unknown colour"),
        (b"title,title\n1,2\n", "csv", "more than one title"),
        (
            b"title," * 60_000 + b"title\n",
            "csv",
            f"at most {COLUMNS_MAX} columns",
        ),
        (b'title\n"x\n', "csv", "file is no CSV"),
        (b"title\n\xff\n", "csv", "must be UTF-8"),
        (b"{}\n" * (IMPORT_MAX + 1), "ndjson", "at most 10000 lines"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused(content: bytes, kind: Format, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        import_file.read_file(content, kind, now=NOW)
