"""Create a ticket for a customer: choose the company, then the service, then describe the fault.

Each step is a page with an address. Once something is typed, going back to a step sends the form, which carries it.
"""

from typing import Any
from uuid import UUID

from msgspec.structs import replace

from clearline.accounts import usecases as accounts
from clearline.catalogue.domain import IssueEntry
from clearline.companies import usecases as companies
from clearline.errors import InvalidInput, NotFound, RuleCode, Violation
from clearline.fields.domain import FieldAudience, RecordKind
from clearline.fields.reference_usecases import reference_choices
from clearline.fields.usecases import definitions
from clearline.identity import PROVIDER_ID, Company, User
from clearline.inventory import usecases as inventory
from clearline.platform.database.transactions import Tx
from clearline.text import storable
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets import list_usecases as ticket_lists
from clearline.tickets import usecases as tickets
from clearline.tickets.contacts import usecases as ticket_people
from clearline.tickets.domain import DESCRIPTION_MAX, TICKET_CHANNELS, TITLE_MAX, Channel, ticket_number
from clearline.tickets.list_store import Filter
from clearline.tickets.note_domain import Visibility
from clearline.web import looks
from clearline.web.console.new_ticket.fields import external_rows, new_ticket, other_values
from clearline.web.console.people import all_queues, assignable
from clearline.web.console.views import sidebar, with_counts
from clearline.web.multipart import SentFiles, receive_form
from clearline.web.tickets.asked import AskedFields, asked_fields, contact_rows, people_in, typed_into
from clearline.web.tickets.new_ticket import ChosenService, Refusal, chosen_service, create_once, key_of
from clearline.web.tickets.own_fields import NO_CHOICES, given_in, labels
from clearline.web.tickets.templates import begun, offered, only_listed, require_type, type_of_services
from clearline.web.visit import Form, Visit, redirect
from clearline.web.words import gettext
from clearline.wires.http.call import Answer

PATH = "/console/tickets/new"
_SHOWN = 50
_OPEN_SHOWN = 10
_PEOPLE_MAX = 200
_CHANNELS = sorted(TICKET_CHANNELS, key=lambda channel: channel is not Channel.CONSOLE)
"""The ways in which a ticket can come in; that of the form first."""
_CHOSEN = {"company", "service", "listed", "step", "find", "csrf"}


async def show_new_ticket(visit: Visit) -> Answer:
    """Show the step that comes next after what the address names."""
    asked = Form(list(visit.query.items()))
    if (form := await begun(visit, asked)) is not None:
        return await _step(visit, form, carries=True)
    return await _step(visit, asked)


async def create_ticket(visit: Visit) -> Answer:
    """Create the ticket with its files and lead to it; or go to another step, with everything that was typed."""

    async def company_of(form: Form) -> UUID | None:
        async with visit.services.database.transaction() as tx:
            company = await _company(visit, tx, form)
        return None if company is None else company.id

    async with receive_form(visit, company_of) as files:
        return await _created(visit, files)


async def _created(visit: Visit, files: SentFiles) -> Answer:
    form = visit.form
    if form.get("step"):
        return await _step(visit, form, carries=True)

    async def create(tx: Tx) -> str:
        number = await _create(visit, tx, files)
        await files.attach(visit, tx, number, Visibility.PUBLIC)
        return f"/console/tickets/{ticket_number(number)}"

    if await _asks_more(visit):
        text = gettext("The form asks for more with what you chose. Look at it, then send it.")
        return await _step(visit, form, carries=True, refusal=Refusal({}, text))
    outcome = await create_once(visit, create)
    if isinstance(outcome, Refusal):
        return await _step(visit, form, carries=True, refusal=outcome)
    return redirect(visit.browser, outcome)


async def _asks_more(visit: Visit) -> bool:
    """Return whether the form asks for fields that its page did not show, as one without scripts may."""
    async with visit.services.database.transaction() as tx:
        company = await _company(visit, tx, visit.form)
        try:
            service = None if company is None else await _service(visit, tx, company, visit.form)
        except InvalidInput:
            return False
        return service is not None and (await _asked(visit, tx, visit.form, service)).adds_to(visit.form)


async def _asked(
    visit: Visit, tx: Tx, typed: Form, service: ChosenService, company: Company | None = None
) -> AskedFields:
    """Return what a ticket about a service is asked for, by what was typed; with a company what references can be."""
    issues = visit.catalogue.issues_of(service.type)
    choices = NO_CHOICES
    if company is not None:
        choices = await reference_choices(tx, visit.actor, RecordKind.TICKET, company.id)
    return await asked_fields(tx, typed, issues, FieldAudience.STAFF, choices)


async def _create(visit: Visit, tx: Tx, files: SentFiles) -> int:
    """Create the ticket that the form describes; return its number."""
    form, actor = visit.form, visit.actor
    company = await _company(visit, tx, form)
    if company is None:
        raise InvalidInput([Violation("company", "must be chosen", RuleCode.REQUIRED)])
    service = await _service(visit, tx, company, form)
    person = await _person(visit, tx, company, form)
    refusals: list[Violation] = [*files.violations]
    values: dict[str, Any] = {}
    try:
        values = other_values(form)
    except InvalidInput as error:
        refusals += error.violations
    try:
        typed = typed_into(await _asked(visit, tx, form, service), form)
        new = new_ticket(typed, service.id, service.type, person)
        known = await definitions(tx)
        new = replace(new, fields=given_in(known, RecordKind.TICKET, typed, {}, for_staff=True))
    except InvalidInput as error:
        raise InvalidInput([*error.violations, *refusals]) from None
    if refusals:
        raise InvalidInput(refusals)
    named = people_in(typed)
    created = await tickets.create_ticket(
        tx, actor, new, company_id=company.id, requires_fields=True, people=[*named], now=visit.now,
    )  # fmt: skip
    await ticket_people.begin_with(tx, actor, created.ticket, **named, now=visit.now)
    number = created.ticket.number
    if values:
        await ticket_changes.change_ticket(tx, actor, number, values, now=visit.now)
    return number


async def _step(visit: Visit, typed: Form, *, carries: bool = False, refusal: Refusal | None = None) -> Answer:
    """Return the page of a step. ``carries`` is whether it has to carry what was typed."""
    actor, step, find = visit.actor, typed.get("step"), typed.get("find").strip()
    values: dict[str, Any] = {"typed": typed, "carries": carries, "find": find}
    async with visit.services.database.transaction() as tx:
        side = await sidebar(tx, actor)
        company = None if step == "company" else await _company(visit, tx, typed)
        if company is None:
            template, without = "company", _CHOSEN | {"person"}
            found = await companies.companies_matching(tx, actor, find, limit=_SHOWN + 1)
            values |= {"companies": found[:_SHOWN], "has_more": len(found) > _SHOWN}
        else:
            service = None
            if step != "service" and typed.get("service"):
                try:
                    service = require_type(visit, typed, await _service(visit, tx, company, typed))
                except InvalidInput as error:
                    values["problem"] = error.violations[0].rule
            values |= {"company": company, "service": service}
            template, without = ("service", _CHOSEN) if service is None else ("form", set())
            values |= await (_services if service is None else _form)(visit, tx, company, values)
            if service is not None:
                values["asked"] = await _asked(visit, tx, typed, service, company)
                values["own_labels"] = labels(await definitions(tx), RecordKind.TICKET, for_staff=True)
                values["contact_rows"] = contact_rows(typed)
        if template != "form" and not carries:
            chosen = None if company is None else str(company.id)
            values["ticket_templates"] = await offered(visit, tx, chosen)
    side = await with_counts(visit, side)
    kept = [pair for pair in typed.pairs if pair[0] not in without] if carries else []
    refusal = refusal or Refusal(status=200)
    return visit.page(
        f"console/new_ticket/{template}.html", refusal.status, side=side, here=PATH, kept=kept,
        once=key_of(typed, refusal), refusal=refusal, **({"problem": "", "ticket_templates": []} | values),
    )  # fmt: skip


async def _services(visit: Visit, tx: Tx, company: Company, values: dict[str, Any]) -> dict[str, Any]:
    """Return what the page on which the service is chosen shows."""
    kind = type_of_services(visit, values["typed"])
    found = await inventory.services_matching(tx, visit.actor, company.id, values["find"], kind=kind, limit=_SHOWN + 1)
    return {
        "services": found[:_SHOWN],
        "has_more": len(found) > _SHOWN,
        "for_type": kind,
        "only_listed": only_listed(kind),
    }


async def _form(visit: Visit, tx: Tx, company: Company, values: dict[str, Any]) -> dict[str, Any]:
    """Return what the form shows, with the open tickets of the service."""
    actor, service = visit.actor, values["service"]
    of_service = Filter(company_id=company.id, service_id=service.id)
    listed = await ticket_lists.list_tickets(tx, actor, of_service, after=None, limit=_OPEN_SHOWN + 1)
    people = await accounts.list_users(tx, actor, company.id, limit=_PEOPLE_MAX)
    return {
        "open_tickets": listed[:_OPEN_SHOWN],
        "has_more": len(listed) > _OPEN_SHOWN,
        "people": sorted((user for user in people if user.is_active), key=lambda user: user.name.casefold()),
        "desk_queues": [(queue.id, queue.name) for queue in await all_queues(tx, actor)],
        "agents": [(user.id, user.name) for user in await assignable(tx, actor)],
        "rows": external_rows(values["typed"]),
        "issue_types": [(entry.key, _choice(entry)) for entry in visit.catalogue.issues_of(service.type)],
        "impacts": [(impact, gettext(word)) for impact, word in looks.IMPACTS.items()],
        "severities": [(severity, gettext(word)) for severity, word in looks.SEVERITIES.items()],
        "asked_priorities": [(priority, gettext(look.label)) for priority, look in looks.PRIORITIES.items()],
        "channels": [(channel, gettext(looks.CHANNELS[channel]).capitalize()) for channel in _CHANNELS],
        "title_max": TITLE_MAX,
        "description_max": DESCRIPTION_MAX,
    }


def _choice(entry: IssueEntry) -> str:
    """Return the words of a type of issue in the form: its name and help text."""
    return f"{entry.name} · {entry.help}" if entry.help else entry.name


async def _company(visit: Visit, tx: Tx, form: Form) -> Company | None:
    """Return the customer that was chosen, by its id or code; None without one."""
    text = form.get("company").strip()
    if not text or not storable(text):
        return None
    try:
        company = await accounts.get_company(tx, visit.actor, _id_or_name(text))
    except NotFound:
        return None
    return None if company.id == PROVIDER_ID else company


async def _service(visit: Visit, tx: Tx, company: Company, form: Form) -> ChosenService:
    is_unlisted = form.get("listed") == "no"
    return await chosen_service(visit, tx, company, form.get("service").strip(), may_be_unlisted=is_unlisted)


async def _person(visit: Visit, tx: Tx, company: Company, form: Form) -> User | None:
    """Return the person of the customer that was chosen as the contact; None when another one is typed.

    Raises:
        InvalidInput: it is no person of the customer.
    """
    text = form.get("person")
    if not text:
        return None
    try:
        return await accounts.get_user(tx, visit.actor, company.id, UUID(text))
    except (ValueError, NotFound):
        raise InvalidInput([Violation("person", "must be one of the company's people", RuleCode.REFERENCE)]) from None


def _id_or_name(text: str) -> UUID | str:
    try:
        return UUID(text)
    except ValueError:
        return text
