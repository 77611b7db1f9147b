from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import pytest

from clearline.audit import store as audit_store
from clearline.audit.store import AuditFilter
from clearline.catalogue.published import ServiceType
from clearline.errors import AlreadyExists, Forbidden, InvalidInput, NotFound
from clearline.identity import OPERATOR, PROVIDER_ID, ROLE_SCOPES, STAFF_ROLES, Actor, Company, Role
from clearline.inventory import import_usecases as imports
from clearline.inventory import usecases as inventory
from clearline.inventory.domain import Service
from clearline.inventory.import_domain import ImportReport
from clearline.platform.database.transactions import Database, Tx
from clearline.tickets import usecases as tickets
from tests.builders.people import NOW, Tenant
from tests.builders.tickets import a_new_ticket

HEADING = "id,type,label"


async def import_lines(database: Database, tenant: Tenant, *lines: str, dry_run: bool = False) -> ImportReport:
    async with database.transaction() as tx:
        return await imports.import_file(tx, OPERATOR, tenant.company.code, "\n".join(lines), dry_run=dry_run, now=NOW)


def members(rows: list[tuple[str, str, str]]) -> list[dict[str, str]]:
    return [dict(zip(("id", "type", "label"), row, strict=True)) for row in rows]


async def labels(database: Database, tenant: Tenant) -> dict[str, str]:
    async with database.transaction() as tx:
        return {service.id: service.label for service in await inventory.list_services(tx, tenant.actor)}


async def test_an_import_adds_and_changes_services_and_keeps_the_others(database: Database, fresh: Tenant) -> None:
    report = await import_lines(
        database, fresh, HEADING, "NEW-1,Port,New port", "SVC-1,Port,Renamed", "SVC-2,CloudRouter,Service 2"
    )
    assert report == ImportReport(created=1, updated=1, unchanged=1, errors=[])
    stored = await labels(database, fresh)
    assert (stored["NEW-1"], stored["SVC-1"], stored["SVC-2"]) == ("New port", "Renamed", "Service 2")
    assert "SVC-3" in stored, "a service that is not in the file stays"
    again = await import_lines(database, fresh, HEADING, "NEW-1,Port,New port", "SVC-1,Port,Renamed")
    assert again == ImportReport(created=0, updated=0, unchanged=2, errors=[])


async def test_a_dry_run_counts_the_same_and_stores_nothing(database: Database, fresh: Tenant) -> None:
    before = await labels(database, fresh)
    lines = [HEADING, "NEW-1,Port,New port", "SVC-1,Port,Renamed"]
    report = await import_lines(database, fresh, *lines, dry_run=True)
    assert await labels(database, fresh) == before
    assert report == await import_lines(database, fresh, *lines)


async def test_every_wrong_line_is_named_and_nothing_is_stored(database: Database, fresh: Tenant) -> None:
    before = await labels(database, fresh)
    report = await import_lines(
        database,
        fresh,
        HEADING,
        "NEW-1,Port,Good",
        "NEW-2,Teapot,Wrong type",
        ",Port,No id",
        "NEW-1,Port,Twice",
        "NEW-3,Port,One,too many",
        "NEW-4,Port",
    )
    assert [error.line for error in report.errors] == [3, 4, 5, 6, 7]
    messages = [error.message for error in report.errors]
    parts = ["type must be one of Port", "id must have 1", "earlier line", "more values", "label must have 1"]
    assert all(part in message for part, message in zip(parts, messages, strict=True))
    assert (report.created, report.updated, report.unchanged) == (0, 0, 0)
    assert await labels(database, fresh) == before


async def test_a_heading_may_name_its_columns_in_any_order_and_case(database: Database, fresh: Tenant) -> None:
    report = await import_lines(database, fresh, " Label , ID,Type", '"Port, with a comma",NEW-1,Port')
    assert report.created == 1
    assert (await labels(database, fresh))["NEW-1"] == "Port, with a comma"


@pytest.mark.parametrize("lines", [(), ("id,label", "NEW-1,Port"), ("NEW-1,Port,label",)])
async def test_a_file_without_the_heading_is_refused(database: Database, fresh: Tenant, lines: tuple[str, ...]) -> None:
    report = await import_lines(database, fresh, *lines)
    assert [error.line for error in report.errors] == [1]
    assert "heading" in report.errors[0].message


async def test_invalid_csv_is_refused_with_its_line(database: Database, fresh: Tenant) -> None:
    report = await import_lines(database, fresh, HEADING, "NEW-1,Port,Good", 'NEW-2,Port,"never closed')
    assert [error.line for error in report.errors] == [3]


async def test_a_service_is_added_once_and_only_when_it_is_valid(database: Database, fresh: Tenant) -> None:
    async with database.transaction() as tx:
        code = fresh.company.code
        with pytest.raises(AlreadyExists):
            await inventory.add_service(tx, OPERATOR, code, "SVC-1", "Port", "Again", now=NOW)
        with pytest.raises(InvalidInput):
            await inventory.add_service(tx, OPERATOR, code, "SVC-9", "Non-Console Service", "Ours", now=NOW)
        with pytest.raises(NotFound):
            await inventory.add_service(tx, OPERATOR, "NOBODY", "SVC-9", "Port", "Lost", now=NOW)


async def events_of(tx: Tx, tenant: Tenant) -> list[tuple[str, dict[str, Any]]]:
    """Return the events of a company's services since the fixture created them, newest first."""
    events = await audit_store.page(tx, AuditFilter(company_id=tenant.company.id, type="service."), None, 50)
    return [(event.type, event.data) for event in events[:-4]]


async def test_a_changed_and_a_deleted_service_make_events(database: Database, fresh: Tenant) -> None:
    code = fresh.company.code
    async with database.transaction() as tx:
        number = (await tickets.create_ticket(tx, fresh.actor, a_new_ticket(), now=NOW)).ticket.number
        values = {"label": "Renamed", "type": ServiceType.CLOUD_ROUTER}
        changed = await inventory.change_service(tx, OPERATOR, code, "SVC-1", values, now=NOW)
        assert await inventory.change_service(tx, OPERATOR, code, "SVC-1", values, now=NOW) == changed
        assert await inventory.get_service(tx, fresh.actor, fresh.company.id, "SVC-1") == changed
        deleted = await inventory.delete_service(tx, OPERATOR, code, "SVC-1", now=NOW)
        assert deleted == changed == Service(fresh.company.id, "SVC-1", ServiceType.CLOUD_ROUTER, "Renamed")
        for attempt in (inventory.get_service(tx, OPERATOR, code, "SVC-1"),
                        inventory.delete_service(tx, OPERATOR, code, "SVC-1", now=NOW)):  # fmt: skip
            with pytest.raises(NotFound, match="service SVC-1"):
                await attempt
        ticket = (await tickets.get_ticket_with_notes(tx, fresh.actor, number)).ticket
        events = await events_of(tx, fresh)
    assert (ticket.service_id, ticket.service_type, ticket.service_label) == ("SVC-1", ServiceType.PORT, "Service 1")
    assert [kind for kind, _data in events] == ["service.deleted", "service.changed"]
    assert events[1][1]["changes"] == [
        {"field": "type", "before": "Port", "after": "CloudRouter"},
        {"field": "label", "before": "Service 1", "after": "Renamed"},
    ]
    assert events[0][1]["changes"] == [
        {"field": "type", "before": "CloudRouter", "after": None},
        {"field": "label", "before": "Renamed", "after": None},
    ]


@pytest.mark.parametrize("values", [{"label": ""}, {"type": "Teapot"}, {"type": ServiceType.NON_CONSOLE}])
async def test_an_invalid_change_of_a_service_is_refused(
    database: Database, fresh: Tenant, values: dict[str, object]
) -> None:
    async with database.transaction() as tx:
        with pytest.raises(InvalidInput):
            await inventory.change_service(tx, OPERATOR, fresh.company.id, "SVC-1", values, now=NOW)


async def test_an_import_makes_one_event_with_its_counts_and_a_dry_run_none(database: Database, fresh: Tenant) -> None:
    lines = [HEADING, "NEW-1,Port,New port", "NEW-2,Port,New port", "SVC-1,Port,Renamed"]
    await import_lines(database, fresh, *lines, dry_run=True)
    await import_lines(database, fresh, *lines)
    await import_lines(database, fresh, *lines)
    async with database.transaction() as tx:
        [(kind, data)] = await events_of(tx, fresh)
    assert (kind, data["id"]) == ("service.imported", str(fresh.company.id))
    assert {change["field"]: change["after"] for change in data["changes"]} == {"created": 2, "updated": 1}


async def test_a_list_of_services_is_imported_like_a_file(database: Database, fresh: Tenant) -> None:
    rows = [("NEW-1", "Port", "New port"), ("SVC-1", "Port", "Renamed"), ("SVC-2", "cloudrouter", "Service 2")]
    for dry_run in (True, False):
        async with database.transaction() as tx:
            report = await imports.import_list(tx, OPERATOR, fresh.company.id, members(rows), dry_run=dry_run, now=NOW)
        assert report == ImportReport(created=1, updated=1, unchanged=1, errors=[])
    stored = await labels(database, fresh)
    assert (stored["NEW-1"], stored["SVC-1"], stored["SVC-3"]) == ("New port", "Renamed", "Service 3")


async def test_every_wrong_item_of_a_list_is_named_and_nothing_is_stored(database: Database, fresh: Tenant) -> None:
    before = await labels(database, fresh)
    rows = [("NEW-1", "Port", "Good"), ("", "Teapot", "Bad"), ("NEW-1", "Port", "Twice")]
    async with database.transaction() as tx:
        with pytest.raises(InvalidInput) as refused:
            await imports.import_list(tx, OPERATOR, fresh.company.id, members(rows), dry_run=False, now=NOW)
    assert [violation.field for violation in refused.value.violations] == [
        "services.1.id",
        "services.1.type",
        "services.2.id",
    ]
    many = [(f"N-{n}", "Port", "P") for n in range(1001)]
    async with database.transaction() as tx:
        with pytest.raises(InvalidInput, match="at most 1000"):
            await imports.import_list(tx, OPERATOR, fresh.company.id, members(many), dry_run=False, now=NOW)
    assert await labels(database, fresh) == before


async def test_services_are_listed_page_by_page_by_type_and_label(database: Database, fresh: Tenant) -> None:
    await import_lines(database, fresh, HEADING, "A,Port,Same", "B,Port,Same", "C,Port,Other")
    after, listed = ("", "", ""), []
    async with database.transaction() as tx:
        while page := await inventory.services_of(tx, fresh.actor, fresh.company.id, after=after, limit=2):
            listed += page
            after = (page[-1].type, page[-1].label, page[-1].id)
        assert listed == await inventory.list_services(tx, fresh.actor)
    assert [service.id for service in listed if service.type == ServiceType.PORT] == ["C", "A", "B", "SVC-1"]


Attempt = Callable[[Tx, Actor, Company], Awaitable[object]]
READS: dict[str, Attempt] = {
    "list": lambda tx, actor, company: inventory.services_of(tx, actor, company.id, limit=1),
    "read": lambda tx, actor, company: inventory.get_service(tx, actor, company.id, "SVC-2"),
}
WRITES: dict[str, Attempt] = {
    "add": lambda tx, actor, company: inventory.add_service(tx, actor, company.id, uuid4().hex, "Port", "P", now=NOW),
    "change": lambda tx, actor, company: inventory.change_service(
        tx, actor, company.id, "SVC-3", {"label": uuid4().hex}, now=NOW
    ),
    "delete": lambda tx, actor, company: inventory.delete_service(tx, actor, company.id, "SVC-4", now=NOW),
    "import a file": lambda tx, actor, company: imports.import_file(
        tx, actor, company.id, HEADING, dry_run=True, now=NOW
    ),
    "import a list": lambda tx, actor, company: imports.import_list(tx, actor, company.id, [], dry_run=True, now=NOW),
}


@pytest.mark.parametrize("operation", [*READS, *WRITES])
@pytest.mark.parametrize("role", [role for role in Role if role is not Role.OPERATOR])
async def test_everybody_reads_an_inventory_and_admins_of_the_provider_manage_it(
    database: Database, fresh: Tenant, other_tenant: Tenant, role: Role, operation: str
) -> None:
    company = Company(PROVIDER_ID, "Provider", "PROVIDER") if role in STAFF_ROLES else fresh.company
    actor = Actor(role, "Kim", company=company, scopes=ROLE_SCOPES[role])
    bare = Actor(role, "Kim", company=company)
    async with database.transaction() as tx:
        if operation in READS or role is Role.ADMIN:
            await {**READS, **WRITES}[operation](tx, actor, fresh.company)
        else:
            with pytest.raises(Forbidden):
                await WRITES[operation](tx, actor, fresh.company)
        with pytest.raises(Forbidden):
            await {**READS, **WRITES}[operation](tx, bare, fresh.company)
        if operation in READS and not actor.is_staff:
            with pytest.raises(NotFound, match="company"):
                await READS[operation](tx, actor, other_tenant.company)
