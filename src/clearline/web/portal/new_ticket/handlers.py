"""Raise a ticket: choose the service, then describe the fault, with the open tickets of the service in sight.

Each step is a page with an address. Once something is typed, going back to a step sends the form, which carries it.
"""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from msgspec.structs import replace

from clearline.accounts import permissions
from clearline.accounts import usecases as accounts
from clearline.errors import Forbidden, InvalidInput, NotFound, RuleCode, Violation, require_valid
from clearline.fields.domain import FieldAudience, RecordKind
from clearline.fields.reference_usecases import reference_choices
from clearline.fields.usecases import definitions
from clearline.identity import Actor, Company, Scope, User
from clearline.inventory import usecases as inventory
from clearline.inventory.domain import ID_MAX
from clearline.platform.database.transactions import Tx
from clearline.text import storable
from clearline.tickets import list_usecases as ticket_lists
from clearline.tickets import usecases as tickets
from clearline.tickets.contacts import usecases as people
from clearline.tickets.domain import DESCRIPTION_MAX, TITLE_MAX, ticket_number
from clearline.tickets.label_domain import EXTERNAL_ID_MAX
from clearline.tickets.list_store import Filter
from clearline.tickets.note_domain import Visibility
from clearline.web import looks
from clearline.web.done import signed
from clearline.web.language.refusals import rule_text
from clearline.web.multipart import SentFiles, receive_form
from clearline.web.portal.new_ticket.fields import new_ticket
from clearline.web.portal.shell import TICKETS, portal_page, read_shell
from clearline.web.tickets.asked import AskedFields, asked_fields, contact_rows, people_in, typed_into
from clearline.web.tickets.new_ticket import ChosenService, Refusal, chosen_service, create_once, key_of
from clearline.web.tickets.own_fields import NO_CHOICES, given_in, labels
from clearline.web.tickets.templates import begun, offered, only_listed, require_type, type_of_services
from clearline.web.visit import Form, Visit, redirect
from clearline.web.words import gettext
from clearline.wires.http.call import Answer

PATH = f"{TICKETS}/new"
_SHOWN, _MATCHES = 8, 50
"""The most services that are offered at first, and that a search shows."""
_NEWEST = 50
"""How many of the newest tickets of the company say which services it raised tickets about."""
_OPEN_SHOWN = 3
_PEOPLE_MAX = 200
_QUERY_MAX = 200
_OF_SERVICE = {"service", "other", "company", "step", "find", "csrf", "once"}


async def show_new_ticket(visit: Visit) -> Answer:
    """Show the step that comes next after what the address names."""
    asked = Form(list(visit.query.items()))
    if (form := await begun(visit, asked)) is not None:
        has_service = form.get("service") or form.get("other")
        step = [] if has_service else [("step", "service")]
        return await _step(visit, Form([*step, *form.pairs]), carries=True)
    return await _step(visit, asked)


async def raise_ticket(visit: Visit) -> Answer:
    """Create the ticket with its files and lead to it; or go to another step, with everything that was typed."""

    async def company_of(form: Form) -> UUID:
        return _company(visit.actor, form).id

    async with receive_form(visit, company_of) as files:
        if visit.form.get("step"):
            return await _step(visit, visit.form, carries=True, files=files)

        async def create(tx: Tx) -> str:
            number = await _create(visit, tx, files)
            await files.attach(visit, tx, number, Visibility.PUBLIC)
            return f"{TICKETS}/{ticket_number(number)}?done=raised"

        if await _asks_more(visit):
            text = gettext("The form asks for more with what you chose. Look at it, then send it.")
            return await _step(visit, visit.form, carries=True, refusal=Refusal({}, text), files=files)
        outcome = await create_once(visit, create, external_ids="reference")
        if isinstance(outcome, Refusal):
            return await _step(visit, visit.form, carries=True, refusal=outcome, files=files)
        return redirect(visit.browser, signed(visit, outcome))


async def _asks_more(visit: Visit) -> bool:
    """Return whether the form asks for fields that its page did not show, as one without scripts may."""
    async with visit.database.transaction() as tx:
        try:
            service = await _service(visit, tx, _company(visit.actor, visit.form), visit.form)
        except InvalidInput:
            return False
        return (await _asked(visit, tx, visit.form, service)).adds_to(visit.form)


async def _asked(
    visit: Visit, tx: Tx, typed: Form, service: ChosenService, company: Company | None = None
) -> AskedFields:
    """Return what a ticket about a service is asked for, by what was typed; with a company what references can be."""
    issues = visit.catalogue.issues_of(service.type)
    choices = NO_CHOICES
    if company is not None:
        choices = await reference_choices(tx, visit.actor, RecordKind.TICKET, company.id)
    return await asked_fields(tx, typed, issues, FieldAudience.CUSTOMER, choices)


async def _create(visit: Visit, tx: Tx, files: SentFiles) -> int:
    """Create the ticket that the form describes; return its number."""
    person: User | None
    person, _own = accounts.user_and_company(visit.actor)
    company = _company(visit.actor, visit.form)
    service = await _service(visit, tx, company, visit.form)
    violations: list[Violation] = []
    try:
        person = await _person(visit.actor, tx, visit.form)
    except InvalidInput as error:
        violations += error.violations
    try:
        typed = typed_into(await _asked(visit, tx, visit.form, service), visit.form)
        new = new_ticket(typed, service, person)
        known = await definitions(tx)
        new = replace(new, fields=given_in(known, RecordKind.TICKET, typed, {}, for_staff=False))
    except InvalidInput as error:
        violations += error.violations
        raise InvalidInput([*violations, *files.violations]) from None
    require_valid([*violations, *files.violations])
    named = people_in(typed)
    created = await tickets.create_ticket(
        tx, visit.actor, new, company_id=company.id, requires_fields=True, people=[*named], now=visit.now
    )
    await people.begin_with(tx, visit.actor, created.ticket, **named, now=visit.now)
    return created.ticket.number


async def _step(
    visit: Visit,
    typed: Form,
    *,
    carries: bool = False,
    refusal: Refusal | None = None,
    files: SentFiles | None = None,
) -> Answer:
    """Return the page of a step. ``carries`` is whether it has to carry what was typed."""
    refusal = refusal or Refusal(status=200)
    problem = refusal.fields.get("service", "")
    _user, company = accounts.user_and_company(visit.actor)
    try:
        company = _company(visit.actor, typed)
    except InvalidInput as error:
        problem, typed = rule_text(error.violations[0]), Form([("step", "service"), *typed.pairs])
    async with visit.database.transaction() as tx:
        shell = await read_shell(tx)
        service = None
        if typed.get("step") != "service" and (carries or any(map(typed.has, ("service", "other", "step")))):
            try:
                service = require_type(visit, typed, await _service(visit, tx, company, typed))
            except InvalidInput as error:
                problem = problem or rule_text(error.violations[0])
        values = await (_form(visit, tx, company, service) if service else _services(visit, tx, company, typed))
        if service:
            values["asked"] = await _asked(visit, tx, typed, service, company)
            values["own_labels"] = labels(await definitions(tx), RecordKind.TICKET, for_staff=False)
            values["rows"] = contact_rows(typed)
        begins = [] if carries or service else await offered(visit, tx)
    values["company"], values["ticket_templates"] = company, begins
    if files is not None:
        values["chosen_again"] = [file.new.name for file in files.files]
    return portal_page(
        visit, shell, f"new_ticket/{'form' if service else 'service'}.html", TICKETS, refusal.status, typed=typed,
        carries=carries, kept=[pair for pair in typed.pairs if pair[0] not in _OF_SERVICE] if carries else [],
        once_key=key_of(typed, refusal), refusal=refusal, problem=problem, **({"chosen_again": []} | values),
    )  # fmt: skip


async def _services(visit: Visit, tx: Tx, company: Company, typed: Form) -> dict[str, Any]:
    """Return the services that are offered: those that match, or those of the newest tickets and then others."""
    actor, find, kind = visit.actor, typed.get("find").strip()[:_QUERY_MAX], type_of_services(visit, typed)
    shown: dict[str, Any] = {"find": find, "other_max": ID_MAX, "for_type": kind, "only_listed": only_listed(kind)}
    if find:
        listed = await inventory.services_matching(tx, actor, company.id, find, kind=kind, limit=_MATCHES + 1)
        return {**shown, "services": listed[:_MATCHES], "has_more": len(listed) > _MATCHES}
    if kind is not None:
        listed = await inventory.services_of_type(tx, actor, company.id, kind, limit=_MATCHES + 1)
        return {**shown, "services": listed[:_MATCHES], "has_more": len(listed) > _MATCHES}
    newest = await ticket_lists.list_tickets(tx, actor, Filter("all", company_id=company.id), after=None, limit=_NEWEST)
    ids = dict.fromkeys([typed.get("service"), *(view.ticket.service_id for view in newest)])
    recent = await inventory.services_with_ids(tx, actor, company.id, [each for each in ids if storable(each)])
    others = await inventory.services_of(tx, actor, company.id, limit=_SHOWN + 1)
    listed = [*recent, *(service for service in others if service not in recent)]
    return {**shown, "services": listed[:_SHOWN], "has_more": len(listed) > _SHOWN}


async def _form(visit: Visit, tx: Tx, company: Company, service: ChosenService) -> dict[str, Any]:
    """Return what the form shows, with the open tickets of the service."""
    user, own = accounts.user_and_company(visit.actor)
    of_service = Filter(company_id=company.id, service_id=service.id)
    listed = await ticket_lists.list_tickets(tx, visit.actor, of_service, after=None, limit=_OPEN_SHOWN + 1)
    users_here = [user]
    if Scope.ACCOUNTS_READ in visit.actor.scopes:
        users = await accounts.list_users(tx, visit.actor, own.id, limit=_PEOPLE_MAX)
        others = [each for each in users if each.is_active and each.id != user.id]
        users_here += sorted(others, key=lambda each: each.name.casefold())
    field = "service" if service.label else "other"
    named = {"company": company.code} if company.id != own.id else {}
    return {
        "service": service, "field": field, "address": f"{PATH}?{urlencode({field: service.id} | named)}",
        "open_tickets": listed[:_OPEN_SHOWN], "has_more": len(listed) > _OPEN_SHOWN, "people": users_here,
        "issues": visit.catalogue.issues_of(service.type),
        "asked_priorities": [(priority, gettext(look.label)) for priority, look in looks.PRIORITIES.items()],
        "asked_severities": [(severity, gettext(word)) for severity, word in looks.SEVERITIES.items()],
        "title_max": TITLE_MAX, "seen_max": DESCRIPTION_MAX, "reference_max": EXTERNAL_ID_MAX,
    }  # fmt: skip


def _company(actor: Actor, form: Form) -> Company:
    """Return the company that the ticket is raised for: the actor's own, or a child that was chosen.

    Raises:
        InvalidInput: none of these has the code.
    """
    _user, own = accounts.user_and_company(actor)
    code = form.get("company")
    if code in {"", own.code}:
        return own
    if (child := permissions.child_named(actor, code)) is None:
        raise InvalidInput([Violation("company", "must be one whose tickets you raise", RuleCode.REFERENCE)])
    return child


async def _service(visit: Visit, tx: Tx, company: Company, form: Form) -> ChosenService:
    """Return the service that was chosen, or one that is called otherwise than any in the inventory."""
    service_id, other = form.get("service").strip(), form.get("other").strip()
    return await chosen_service(visit, tx, company, service_id or other, may_be_unlisted=not service_id)


async def _person(actor: Actor, tx: Tx, form: Form) -> User | None:
    """Return the person who was chosen as the contact, at first the actor; None when somebody else is typed.

    Raises:
        InvalidInput: it is no active person of the company, as far as the actor may know.
    """
    user, own = accounts.user_and_company(actor)
    text = form.get("person") if form.has("person") else str(user.id)
    if not text or text == str(user.id):
        return user if text else None
    try:
        person = await accounts.get_user(tx, actor, own.id, UUID(text))
        if person.is_active:
            return person
    except (ValueError, NotFound, Forbidden):
        pass
    raise InvalidInput([Violation("person", "must be one of your company's people", RuleCode.REFERENCE)])
