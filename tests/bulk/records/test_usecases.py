"""Companies, people and services come in by file: added, changed to what the file says, and safe to repeat."""

import json
from typing import Any
from uuid import uuid4

import pytest

from clearline.accounts import usecases as accounts
from clearline.accounts.domain import NoticeAddresses
from clearline.bulk import import_file
from clearline.bulk import import_usecases as imports
from clearline.bulk.domain import ImportSubject, ItemOutcome
from clearline.bulk.import_file import Format
from clearline.catalogue import entry_usecases as entries
from clearline.companies import usecases as companies
from clearline.errors import DeskError, Forbidden, InvalidInput, ScopeMissing
from clearline.fields import usecases as own_fields
from clearline.fields.domain import FieldType, RecordKind
from clearline.identity import ALL_SCOPES, OPERATOR, Actor, Role, Scope
from clearline.inventory import usecases as inventory
from clearline.inventory.facts_domain import End
from clearline.platform.database.transactions import Database, Tx
from tests.builders.house import no_fields
from tests.builders.people import NOW, Tenant, new_person

COMPANIES, PEOPLE, SERVICES = ImportSubject.COMPANIES, ImportSubject.PEOPLE, ImportSubject.SERVICES


async def imported(
    tx: Tx, subject: ImportSubject, text: str, kind: Format = "ndjson", actor: Actor = OPERATOR
) -> list[ItemOutcome | str]:
    """Return what became of each line: its outcome, or why it was refused."""
    outcomes: list[ItemOutcome | str] = []
    for item in import_file.read_file(text.encode(), kind, now=NOW, subject=imports.lines_of(subject)):
        if item.refusal is not None:
            outcomes.append(item.refusal)
            continue
        try:
            outcomes.append((await imports.import_line(tx, actor, subject, item.input, now=NOW)).outcome)
        except DeskError as error:
            outcomes.append(import_file.refusal_text(error, kind))
    return outcomes


def lines(*members: dict[str, Any]) -> str:
    return "".join(f"{json.dumps(line)}\n" for line in members)


async def test_a_company_is_added_changed_and_left_alone(database: Database) -> None:
    code = f"C{uuid4().hex[:8]}"
    first = {
        "code": code, "name": f"Company {code}", "tier": "gold", "time_zone": "Europe/Berlin",
        "notice_addresses": {"billing": ["pay@example.com"]},
    }  # fmt: skip
    async with database.transaction() as tx:
        outcomes = [(await imported(tx, COMPANIES, lines(line)))[0] for line in (first, first, {**first, "tier": None})]
        table = f"code,name,incidents_addresses\n{code},Renamed {code},a@example.com b@example.com\n"
        outcomes += await imported(tx, COMPANIES, table, "csv")
        stored = await companies.get_company_details(tx, OPERATOR, code)
    assert outcomes == [ItemOutcome.DONE, ItemOutcome.UNCHANGED, ItemOutcome.DONE, ItemOutcome.DONE]
    assert (stored.name, stored.tier, stored.time_zone) == (f"Renamed {code}", None, "Europe/Berlin")
    assert stored.notice_addresses == NoticeAddresses(("a@example.com", "b@example.com"), (), ("pay@example.com",))


async def test_a_person_is_added_changed_and_left_alone_and_gets_no_mail(database: Database, fresh: Tenant) -> None:
    email = f"{uuid4().hex[:8]}@example.com"
    first = {"company": fresh.company.code, "email": email, "name": "Bo Lund", "role": "customer_admin"}
    table = f"company;email;name;is_active\n{fresh.company.name};{email.upper()};Bo Lund-Berg;no\n"
    async with database.transaction() as tx:
        outcomes = await imported(tx, PEOPLE, lines(first, first))
        outcomes += await imported(tx, PEOPLE, table, "csv")
        user = await accounts.get_user(tx, OPERATOR, fresh.company.id, email)
        mails = await tx.fetchval("select count(*) from account_mail where company_id = $1", fresh.company.id)
    assert outcomes == [ItemOutcome.DONE, ItemOutcome.UNCHANGED, ItemOutcome.DONE]
    assert (user.name, user.role, user.is_active, user.is_confirmed) == (
        "Bo Lund-Berg", Role.CUSTOMER_ADMIN, False, True,
    )  # fmt: skip
    assert mails == 0


async def test_a_service_is_added_changed_and_left_alone(database: Database, fresh: Tenant) -> None:
    first = {"company": fresh.company.code, "id": "NEW-1", "type": "Port", "label": "New", "rate": "10G"}
    table = f"company,id,type,label,a_site,a_vlan,is_protected\n{fresh.company.code},NEW-1,CloudRouter,New,AMS,7,yes\n"
    async with database.transaction() as tx:
        outcomes = await imported(tx, SERVICES, lines(first, first))
        outcomes += await imported(tx, SERVICES, table, "csv")
        service = await inventory.get_service(tx, OPERATOR, fresh.company.id, "NEW-1")
    assert outcomes == [ItemOutcome.DONE, ItemOutcome.UNCHANGED, ItemOutcome.DONE]
    assert (service.rate, service.a_end, service.is_protected, service.type) == (
        10**10, End("AMS", vlan="7"), True, "CloudRouter",
    )  # fmt: skip


async def test_a_service_has_any_type_of_the_catalogue_by_its_key_or_name(database: Database, fresh: Tenant) -> None:
    key, company = f"dark-{uuid4().hex[:8]}", fresh.company.code
    async with database.transaction() as tx:
        entry = await entries.add_entry(
            tx, OPERATOR, entries.SERVICE_TYPES, {"name": f"Name of {key}"}, key=key, now=NOW
        )
        outcomes: list[ItemOutcome | str] = []
        for type_ in ("Port", f"name of {key}", key):
            line = {"company": company, "id": "OWN-1", "type": type_, "label": "New"}
            outcomes += await imported(tx, SERVICES, lines(line))
        stored = await inventory.get_service(tx, OPERATOR, company, "OWN-1")
        await entries.change_entry(tx, OPERATOR, entries.SERVICE_TYPES, entry.id, {"is_active": False}, now=NOW)
        table = (
            f"company,id,type,label\n{company},OWN-1,{key},New\n{company},OWN-2,{key},New\n{company},OWN-3,Pipe,Old\n"
        )
        outcomes += await imported(tx, SERVICES, table, "csv")
    assert stored.type == key
    assert outcomes[:4] == [ItemOutcome.DONE, ItemOutcome.DONE, ItemOutcome.UNCHANGED, ItemOutcome.UNCHANGED]
    [retired, unknown] = map(str, outcomes[4:])
    assert retired.startswith("type is retired, and must be one of Port, ")
    assert unknown.startswith("type must be one of Port, ")


async def test_own_fields_of_companies_and_services_come_in_with_them(database: Database) -> None:
    code = f"C{uuid4().hex[:8]}"
    await no_fields(database)
    async with database.transaction() as tx:
        for record, key, type_ in (
            (RecordKind.COMPANY, "vat", FieldType.TEXT), (RecordKind.SERVICE, "size", FieldType.INTEGER),
        ):  # fmt: skip
            values = {"record": record, "key": key, "label": key, "type": type_}
            await own_fields.add_field(tx, OPERATOR, values, now=NOW)
        table = f"code,name,fields_vat\n{code},Company {code},GB-1\n"
        outcomes = [(await imported(tx, COMPANIES, table, "csv"))[0] for _again in range(2)]
        service = {"company": code, "id": "S-1", "type": "Port", "label": "One", "fields": {"size": "7"}}
        outcomes += [(await imported(tx, SERVICES, lines(service)))[0] for _again in range(2)]
        table = f"company,id,type,label,fields_size,fields_hue\n{code},S-1,Port,One,many,red\n"
        [refusal] = await imported(tx, SERVICES, table, "csv")
        company = await companies.get_company_details(tx, OPERATOR, code)
        stored = await inventory.get_service(tx, OPERATOR, code, "S-1")
    await no_fields(database)
    assert outcomes == [ItemOutcome.DONE, ItemOutcome.UNCHANGED] * 2
    assert refusal == "fields_size must be a whole number; fields_hue is no field"
    assert (company.fields, stored.fields) == ({"vat": "GB-1"}, {"size": 7})


@pytest.mark.parametrize(
    ("subject", "members", "why"),
    [
        (COMPANIES, {"name": "N"}, "/code is required"),
        (COMPANIES, {"code": "X1", "name": "N", "colour": "red"}, "/colour is not known"),
        (COMPANIES, {"code": "X1", "name": "N", "tier": "tin"}, "/tier must be one of gold, silver, bronze"),
        (COMPANIES, {"code": "X1", "name": "N", "notice_addresses": {"sales": []}}, "/notice_addresses"),
        (COMPANIES, {"code": "X1", "name": "PROVIDER"}, "exists already"),
        (COMPANIES, {"code": "provider", "name": "Ours"}, "/code must be the code of a customer"),
        (PEOPLE, {"company": "NOBODY", "email": "a@example.com", "name": "A"}, "company NOBODY does not exist"),
        (PEOPLE, {"company": "{code}", "email": "nobody", "name": "A"}, "/email"),
        (PEOPLE, {"company": "{code}", "email": "a@example.com", "name": "A", "role": "king"}, "/role must be one of"),
        (PEOPLE, {"company": "{code}", "email": "a@example.com", "name": "A", "role": "agent"}, "/role must be one of"),
        (SERVICES, {"company": "{code}", "id": "Z", "type": "Port", "label": "L", "rate": "fast"}, "10G, 2.5M or 64k"),
        (SERVICES, {"company": "{code}", "id": "SVC-1", "type": "Teapot", "label": "L"}, "/type must be one of"),
        (SERVICES, {"company": "PROVIDER", "id": "Z", "type": "Port", "label": "L"}, "/company must be a customer"),
        (SERVICES, {"company": "{code}", "id": "Z", "type": "Port", "label": "L", "a_end": {"rack": "1"}}, "rack"),
    ],
)
async def test_a_wrong_line_says_why(
    database: Database, fresh: Tenant, subject: ImportSubject, members: dict[str, Any], why: str
) -> None:
    if "company" in members:
        members = {**members, "company": members["company"].format(code=fresh.company.code)}
    async with database.transaction() as tx:
        [outcome] = await imported(tx, subject, lines(members))
    assert why in outcome


async def test_a_table_with_an_unknown_column_is_refused(database: Database) -> None:
    async with database.transaction() as tx:
        with pytest.raises(InvalidInput, match="the columns are company, email, name"):
            await imported(tx, PEOPLE, "company,email,name,shoe\n", "csv")


@pytest.mark.parametrize("subject", [COMPANIES, PEOPLE, SERVICES])
async def test_only_admins_with_the_scope_import_accounts(
    database: Database, fresh: Tenant, subject: ImportSubject
) -> None:
    async with database.transaction() as tx:
        agent = await new_person(tx, role=Role.AGENT)
        limited = await new_person(tx, role=Role.ADMIN, scopes=ALL_SCOPES - {Scope.ACCOUNTS_WRITE})
        for actor, error in ((agent, Forbidden), (fresh.actor, Forbidden), (limited, ScopeMissing)):
            with pytest.raises(error):
                imports.require_import(actor, subject)
            with pytest.raises(error):
                await imports.import_line(tx, actor, subject, "{}", now=NOW)
