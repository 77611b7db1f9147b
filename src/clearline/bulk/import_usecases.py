"""Import a ticket: a line of a file becomes a ticket with its history."""

from datetime import datetime

import msgspec
from msgspec.structs import replace

from clearline.accounts import permissions
from clearline.bulk import import_store
from clearline.bulk.domain import ImportSubject, ItemOutcome, ItemResult
from clearline.bulk.import_domain import ImportedTicket, Subject, imported_notes, imported_reminder, imported_state
from clearline.bulk.parts.domain import imported_cases
from clearline.bulk.records import file_usecases as file_imports
from clearline.bulk.records import usecases as records
from clearline.bulk.records.domain import SUBJECTS
from clearline.catalogue.assessment import Stated
from clearline.catalogue.domain import check_known
from clearline.catalogue.matrix import usecases as matrix
from clearline.catalogue.term_usecases import current_terms
from clearline.catalogue.usecases import require_types
from clearline.errors import InvalidInput, RuleCode, Violation, require_valid
from clearline.fields import value_usecases as own_fields
from clearline.identity import PROVIDER_ID, Actor, Scope
from clearline.platform.database.transactions import Tx
from clearline.reminders import store as reminder_store
from clearline.tickets import store as ticket_store
from clearline.tickets import usecases as tickets
from clearline.tickets.cases import usecases as cases
from clearline.tickets.contacts import usecases as people
from clearline.tickets.progress.facts import NO_FACTS, StatusFacts, check_facts

_decode = msgspec.json.Decoder(ImportedTicket).decode


def require_import(actor: Actor, subject: ImportSubject = ImportSubject.TICKETS) -> None:
    """Refuse unless the actor may import tickets, or what else the lines are."""
    permissions.require_desk_admin(actor)
    permissions.require_scope(actor, Scope.TICKETS_WRITE)
    if subject not in {ImportSubject.TICKETS, ImportSubject.FILES}:
        records.require_import(actor)


def lines_of(subject: ImportSubject) -> Subject | None:
    """Return what the lines of a file about a subject may have; None for tickets."""
    return SUBJECTS.get(subject)


async def import_line(tx: Tx, actor: Actor, subject: ImportSubject, line: str, *, now: datetime) -> ItemResult:
    """Store what a line has."""
    if subject is ImportSubject.TICKETS:
        return await import_ticket(tx, actor, line, now=now)
    if subject is ImportSubject.FILES:
        return await file_imports.import_file(tx, actor, line, now=now)
    return await records.import_record(tx, actor, subject, line, now=now)


async def import_ticket(tx: Tx, actor: Actor, line: str, *, now: datetime) -> ItemResult:
    """Store the ticket of a line, with its notes. A ticket that was imported before stays as it is.

    Its types of issue and service may be retired.
    """
    require_import(actor)
    imported = _decode(line)
    company = await permissions.company_named(tx, actor, imported.company)
    if company.id == PROVIDER_ID:
        raise InvalidInput([Violation("company", "must be a customer", RuleCode.REFERENCE)])
    for external in imported.ids:
        await import_store.lock(tx, company.id, external)
        number = await import_store.find(tx, company.id, external)
        if number is not None:
            return ItemResult(ItemOutcome.UNCHANGED, number)
    catalogue = await require_types(
        tx,
        lambda known: [
            *check_known([imported.issue_type], known.issue_types, "issue_type"),
            *check_known([imported.service.type], known.service_types, "service.type"),
        ],
    )
    stated = Stated(imported.severity, imported.impact, imported.priority)
    usual = catalogue.assessment_of(imported.issue_type)
    assessment = await matrix.assess(tx, company.id, usual, imported.asked_priority, stated)
    ticket = imported_state(company.id, imported, assessment)
    facts = StatusFacts(ticket.sub_status, ticket.waiting, ticket.closure)
    if facts != NO_FACTS:
        require_valid(check_facts(await current_terms(tx), ticket.status, facts, with_retired=True))
    if ticket.fields:
        fields = await own_fields.imported_values(tx, actor, company.id, ticket.fields)
        ticket = replace(ticket, fields=fields)
    stored = await ticket_store.insert(tx, actor, ticket, notes=imported_notes(imported), now=now)
    if stored is None:
        raise InvalidInput(await tickets.check_service(tx, company.id, ticket.service_id, ticket.service_type))
    reminder = imported_reminder(imported, actor.name, now=now)
    if reminder is not None:
        await reminder_store.put(tx, company.id, stored.number, reminder)
    contacts, cc = imported.people
    if contacts or cc:
        await people.begin_with(tx, actor, stored, contacts=contacts, cc=cc, now=now)
    if imported.cases:
        listed = imported_cases(imported.cases, imported.created_at, by=actor.name, now=now)
        await cases.begin_with(tx, actor, stored, listed, now=now)
    return ItemResult(ItemOutcome.DONE, stored.number)
