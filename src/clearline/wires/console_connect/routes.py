"""Console Connect API v2, support tickets: the operations."""

from urllib.parse import quote

from clearline.accounts import permissions
from clearline.catalogue.domain import Catalogue
from clearline.catalogue.published import ServiceType
from clearline.catalogue.usecases import current_catalogue
from clearline.errors import InvalidInput, RuleCode, Violation
from clearline.identity import Scope
from clearline.inventory import usecases as inventory
from clearline.platform.database.transactions import Tx
from clearline.tickets import note_usecases as notes
from clearline.tickets import usecases as tickets
from clearline.tickets.domain import Channel, parse_ticket_number
from clearline.tickets.links import full_ticket_usecases as full_tickets
from clearline.tickets.links.full_ticket_usecases import PAGE_TEXT_MAX, FullTicket
from clearline.wires.console_connect import errors, mapping, wire
from clearline.wires.http.body import InvalidMembers, read_members
from clearline.wires.http.call import Call, Services
from clearline.wires.http.edge import header
from clearline.wires.http.resource import Dialect, Wire
from clearline.wires.http.table import Header, Operation


async def list_tickets(call: Call) -> list[wire.TicketOut]:
    """Return the company's open or closed tickets, newest first."""
    query: wire.ListQuery = call.query
    async with call.statement() as tx:
        listed = await full_tickets.list_full_tickets(
            tx, call.actor, is_open=query.status == "open", page=query.page, page_size=query.page_size
        )
        catalogue = await current_catalogue(tx)
    call.headers += [(b"x-total-count", b"%d" % listed.total), (b"link", _links(call, query, listed.total))]
    customer = mapping.customer_of(call.actor)
    return [mapping.ticket_out(ticket, customer, catalogue) for ticket in listed.tickets]


def _links(call: Call, query: wire.ListQuery, total: int) -> bytes:
    """Return the links to the other pages (RFC 8288)."""
    last = max(1, -(-total // query.page_size))
    pages = {"first": 1, "prev": min(query.page - 1, last), "next": query.page + 1, "last": last}
    if query.page <= 1:
        del pages["prev"]
    if query.page >= last:
        del pages["next"]
    host = header(call.scope, b"host") or b"localhost"
    base = f"{call.scope['scheme']}://{host.decode('latin-1')}{quote(call.scope['path'])}?status={query.status}"
    return ", ".join(
        f'<{base}&page={page}&pageSize={query.page_size}>; rel="{rel}"' for rel, page in pages.items()
    ).encode("latin-1")


async def create_ticket(call: Call) -> wire.TicketOut:
    """Create a ticket. Answers 200 with the whole ticket, as the v2 API does, not 201."""
    try:
        body = call.body(wire.TicketIn)
    except InvalidMembers as invalid:
        raise InvalidInput([*invalid.violations, *await _service_violations(call)]) from None
    async with call.statement() as tx:
        catalogue = await current_catalogue(tx)
        kind = await _stored_type(call, tx, body.service, catalogue)
        new = mapping.new_ticket(body, kind, call.actor)
        details = await tickets.create_ticket(tx, call.actor, new, chooses_types=False, now=call.now)
    return mapping.ticket_out(FullTicket(details), mapping.customer_of(call.actor), catalogue)


async def _stored_type(call: Call, tx: Tx, service: wire.ServiceIn, catalogue: Catalogue) -> str:
    """Return the type of a service in a body: the provider's own one, if it is shown as the word in the body.

    Raises:
        InvalidInput: the service is shown as another word.
    """
    own = None
    if catalogue.has_own_service_types():
        own = await inventory.type_of_own_service(tx, call.actor, service.id)
    if own is None:
        return service.type
    if (word := catalogue.service_word(own)) is service.type:
        return own
    if service.type is ServiceType.NON_CONSOLE:
        return service.type
    rule = f"must be {word}, the type of service {service.id}"
    raise InvalidInput([Violation("service.type", rule, RuleCode.REFERENCE)])


async def _service_violations(call: Call) -> list[Violation]:
    """Return the violations of the service in an otherwise invalid body, so that one answer lists all of them."""
    try:
        service = read_members(call.json.get("service"), wire.ServiceIn)
    except InvalidMembers:
        return []
    async with call.statement() as tx:
        try:
            kind = await _stored_type(call, tx, service, await current_catalogue(tx))
        except InvalidInput as refused:
            return list(refused.violations)
        return await tickets.check_service(tx, permissions.own_company(call.actor).id, service.id, kind)


async def get_ticket(call: Call) -> wire.TicketOut:
    """Return a ticket with all its notes."""
    number = _number(call)
    async with call.statement() as tx:
        ticket = await full_tickets.get_full_ticket(tx, call.actor, number)
        catalogue = await current_catalogue(tx)
    return mapping.ticket_out(ticket, mapping.customer_of(call.actor), catalogue)


async def list_services(call: Call) -> list[wire.ServiceOut]:
    """Return the services that the company can create tickets for."""
    async with call.statement() as tx:
        services = await inventory.list_services(tx, call.actor)
        return mapping.services_out(services, await current_catalogue(tx))


async def add_note(call: Call) -> wire.TicketOut:
    """Append a note. Answers 200 with the whole ticket, as the v2 API does, not 201."""
    number = _number(call)
    try:
        text = call.body(wire.NoteIn).note_text
        async with call.statement() as tx:
            details = await notes.add_note(
                tx,
                call.actor,
                number,
                text,
                channel=Channel.API,
                reopens=call.services.settings.reopen_on_answer,
                notes_max=call.services.settings.ticket_notes_max,
                now=call.now,
            )
            ticket = await full_tickets.full(tx, call.actor, details)
            catalogue = await current_catalogue(tx)
    except (InvalidMembers, InvalidInput):
        raise errors.InvalidNote from None
    return mapping.ticket_out(ticket, mapping.customer_of(call.actor), catalogue)


async def get_token(call: Call) -> wire.TokenOut:
    """Return the owner of the key."""
    return mapping.token_out(call.actor)


def _number(call: Call) -> int:
    text = call.path["id"]
    if (number := parse_ticket_number(text)) is None:
        raise errors.InvalidTicketId(text)
    return number


_ID = {
    "id": {
        "description": "The ticket's number.",
        "example": "INC000001234567",
        "schema": {"type": "string", "pattern": "^INC[0-9]{12}$"},
    }
}
_PAGING = (
    Header("X-Total-Count", "How many tickets the whole list has.", {"type": "integer", "minimum": 0}),
    Header("Link", "The first, prev, next and last page (RFC 8288).", {"type": "string"}),
)

OPERATIONS = (
    Operation(
        "listSupportTickets", "GET", "/v2/support-tickets", list_tickets,
        "List tickets", "The open or closed tickets of the key's company, newest first, each as `GET` of the ticket "
        "shows it, with all its notes. A page past the end is an empty list. The notes of a page have at most "
        f"{PAGE_TEXT_MAX // 1024**2} MiB of text: beyond that it is refused with 400, and a smaller `pageSize` is "
        "needed. A page of one ticket never has more.",
        Scope.TICKETS_READ, list[wire.TicketOut], query=wire.ListQuery, errors=(400,), answer_headers=_PAGING,
    ),
    Operation(
        "createSupportTicket", "POST", "/v2/support-tickets", create_ticket,
        "Raise a ticket", "`service.id` is one of `GET /v2/support-tickets/services`, with its type, or anything at "
        "all with the type `Non-Console Service`. Text is kept exactly as sent. Members not listed here are ignored.",
        Scope.TICKETS_WRITE, wire.TicketOut, body=wire.TicketIn, errors=(400,),
    ),
    Operation(
        "listSupportTicketServices", "GET", "/v2/support-tickets/services", list_services,
        "List services", "What a ticket can be about.",
        Scope.TICKETS_READ, list[wire.ServiceOut],
    ),
    Operation(
        "getSupportTicket", "GET", "/v2/support-tickets/{id}", get_ticket,
        "Read a ticket", "One ticket with all its notes: at most 2,000, each of at most 4,000 characters. The notes of "
        "tickets that were merged into it stand among them in the order of time, with `mergedFrom`: the latest 2,000. "
        "Another company's ticket does not exist.",
        Scope.TICKETS_READ, wire.TicketOut, path_parameters=_ID, errors=(400, 404),
    ),
    Operation(
        "addSupportTicketNote", "POST", "/v2/support-tickets/{id}/addNote", add_note,
        "Add a note", "Appends a note and answers the whole ticket. A closed, cancelled or rejected ticket takes none.",
        Scope.TICKETS_WRITE, wire.TicketOut, body=wire.NoteIn, path_parameters=_ID, errors=(400, 404),
    ),
    Operation(
        "getToken", "GET", "/auth/token", get_token,
        "Who am I", "The user and the company that the key speaks for.",
        None, wire.TokenOut, cache=b"no-store",
    ),
)  # fmt: skip
"""Routes, scopes, OpenAPI and the reference page are all generated from this table."""

DIALECT = Dialect("console_connect", errors.refuse, admit=permissions.in_own_company)
"""This wire is for customers: the provider's people have no company of their own to list tickets of."""


def wire_app(services: Services) -> Wire:
    """Return this wire's application. It answers under ``/v2``, and with ``root_path`` ``/api`` under ``/api/v2``."""
    return Wire(OPERATIONS, services, DIALECT)
