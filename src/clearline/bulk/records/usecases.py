"""Import a company, a person or a service: add it, or change the one that is there to what the line says."""

from datetime import datetime
from uuid import UUID

import msgspec

from clearline.accounts import permissions
from clearline.accounts import usecases as accounts
from clearline.bulk.domain import ImportSubject, ItemOutcome, ItemResult
from clearline.bulk.records.domain import ImportedCompany, ImportedPerson, ImportedService, given, service_values
from clearline.catalogue.usecases import current_catalogue, stored_catalogue
from clearline.companies import usecases as companies
from clearline.errors import InvalidInput, NotFound, RuleCode, Violation
from clearline.identity import PROVIDER_ID, Actor, Company, Role, Scope
from clearline.inventory import usecases as inventory
from clearline.platform.database.transactions import Tx
from clearline.text import storable

_read_company = msgspec.json.Decoder(ImportedCompany).decode
_read_person = msgspec.json.Decoder(ImportedPerson).decode
_read_service = msgspec.json.Decoder(ImportedService).decode
_DONE, _UNCHANGED = ItemResult(ItemOutcome.DONE), ItemResult(ItemOutcome.UNCHANGED)


def require_import(actor: Actor) -> None:
    """Refuse unless the actor may import companies, people and services."""
    permissions.require_desk_admin(actor)
    permissions.require_scope(actor, Scope.ACCOUNTS_WRITE)


async def import_record(tx: Tx, actor: Actor, subject: ImportSubject, line: str, *, now: datetime) -> ItemResult:
    """Store what a line has. The same line again changes nothing.

    Raises:
        DeskError: as adding or changing it by hand is refused.
    """
    require_import(actor)
    match subject:
        case ImportSubject.COMPANIES:
            return await _import_company(tx, actor, _read_company(line), now=now)
        case ImportSubject.PEOPLE:
            return await _import_person(tx, actor, _read_person(line), now=now)
        case _:
            return await _import_service(tx, actor, _read_service(line), now=now)


async def _import_company(tx: Tx, actor: Actor, line: ImportedCompany, *, now: datetime) -> ItemResult:
    facts = given(line, "code")
    if "notice_addresses" in facts:
        facts["notice_addresses"] = given(facts["notice_addresses"])
    if "parent" in facts:
        facts["parent_id"] = await _parent(tx, actor, facts.pop("parent"))
    known = await _company_with_code(tx, actor, line.code)
    if known is None:
        name = facts.pop("name")
        await companies.add_company(tx, actor, name, line.code, facts=facts, now=now)
        return _DONE
    if known.id == PROVIDER_ID:
        raise InvalidInput([Violation("code", "must be the code of a customer", RuleCode.REFERENCE)])
    before = await companies.get_company_details(tx, actor, known.id)
    after = await companies.change_company(tx, actor, known.id, facts, now=now)
    return _UNCHANGED if after == before else _DONE


async def _parent(tx: Tx, actor: Actor, name: str | None) -> UUID | None:
    try:
        return None if name is None else (await _company(tx, actor, name)).id
    except NotFound:
        rule = "must be the name or code of a company that is there, or on an earlier line"
        raise InvalidInput([Violation("parent", rule, RuleCode.REFERENCE)]) from None


async def _company_with_code(tx: Tx, actor: Actor, code: str) -> Company | None:
    try:
        company = await permissions.company_named(tx, actor, code)
    except NotFound:
        return None
    return company if company.code.lower() == code.lower() else None


async def _import_person(tx: Tx, actor: Actor, line: ImportedPerson, *, now: datetime) -> ItemResult:
    company = await _company(tx, actor, line.company)
    values = given(line, "company", "email")
    if "role" in values:
        values["role"] = Role(values["role"])
    known = await accounts.find_user(tx, company.id, line.email)
    if known is None:
        user = await accounts.add_user(
            tx, actor, company.id, name=line.name, email=line.email, phone=values.get("phone", ""),
            role=values.get("role"), language=values.get("language"), now=now,
        )  # fmt: skip
        if values.get("is_active") is False:
            await accounts.change_user(tx, actor, company.id, user.id, {"is_active": False}, now=now)
        return _DONE
    after = await accounts.change_user(tx, actor, company.id, known.id, values, now=now)
    return _UNCHANGED if after == known else _DONE


async def _import_service(tx: Tx, actor: Actor, line: ImportedService, *, now: datetime) -> ItemResult:
    company = await _company(tx, actor, line.company)
    if company.id == PROVIDER_ID:
        raise InvalidInput([Violation("company", "must be a customer", RuleCode.REFERENCE)])
    values = service_values(line)
    service_id, label = values.pop("id"), values.pop("label")
    kind = await _type(tx, values.pop("type"))
    try:
        before = await inventory.get_service(tx, actor, company.id, service_id)
    except NotFound:
        await inventory.add_service(tx, actor, company.id, service_id, kind, label, facts=values, now=now)
        return _DONE
    values |= {"type": kind, "label": label}
    after = await inventory.change_service(tx, actor, company.id, service_id, values, now=now)
    return _UNCHANGED if after == before else _DONE


async def _type(tx: Tx, text: str) -> str:
    """Return the key of the service type that has this key or name; another text is refused with the service."""
    known = (await current_catalogue(tx)).service_named(text)
    return known or (await stored_catalogue(tx)).service_named(text) or text


async def _company(tx: Tx, actor: Actor, name: str) -> Company:
    if not storable(name):
        raise NotFound("company", "of this name")
    return await permissions.company_named(tx, actor, name)
