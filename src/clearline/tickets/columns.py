"""The columns of a ticket: the one list from which the statements, the values they bind and the tickets are made.

Only this module knows the place of a column in a row. A statement selects ``TICKET`` or ``VIEW`` first; what it
selects after them begins at ``AFTER_TICKET`` or ``AFTER_VIEW``, or is read by name.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple

import msgspec

from clearline.catalogue.assessment import Impact, Priority, Severity
from clearline.identity import PROVIDER_ID, Company
from clearline.platform.database.transactions import Record
from clearline.reminders.domain import Reminder
from clearline.tickets.contact import NOBODY, Contact, People, Person, people_of
from clearline.tickets.domain import Channel, Closure, Status, Ticket, TicketValues, TicketView, Waiting
from clearline.tickets.faults.domain import NO_FAULT, Fault
from clearline.tickets.note_domain import Note
from clearline.tickets.third_parties.domain import Case

Decode = Mapping[Any, Any] | Callable[[Any], Any]
"""What makes a field of a column's value: members by their value, or a function."""


class Column(NamedTuple):
    """A column of the table ``ticket``. ``field`` is that of ``Ticket``, dotted inside a value, if named otherwise.

    ``select`` is what a statement selects, if it is not the column itself, and ``for_customers`` what it selects for a
    customer instead. Without ``decode`` and ``encode`` the driver's value is the field's. A function is not called for
    null, which becomes what ``null`` says in Python.
    """

    name: str
    field: str = ""
    decode: Decode | None = None
    encode: Callable[[Any], object] | None = None
    select: str = ""
    null: str = "None"
    for_customers: str = ""


def _members(kind: type[StrEnum]) -> Mapping[str | None, StrEnum | None]:
    """Return the members of an enumeration by their values, and None for null.

    A dictionary finds a member five times faster than calling the enumeration, and a page of tickets asks 400 times.
    """
    return {None: None, **{str(member): member for member in kind}}


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode() if value else "{}"


def _json_or_null(value: object) -> str | None:
    return None if value is None else msgspec.json.encode(value).decode()


def _fault_json(fault: Fault) -> str | None:
    return None if fault == NO_FAULT else msgspec.json.encode(fault).decode()


_decode_fault = msgspec.json.Decoder(Fault).decode


def _fields_or_null(value: object) -> str | None:
    return msgspec.json.encode(value).decode() if value else None


_decode_ids = msgspec.json.Decoder(dict[str, str]).decode
_decode_reminder = msgspec.json.Decoder(Reminder).decode
_decode_waiting = msgspec.json.Decoder(Waiting).decode
_decode_closure = msgspec.json.Decoder(Closure).decode


def _worded(kind: str, key: str, value: str) -> str:
    """Return the expression of a value that a customer sees if the term ``key`` of a list has a wording for it."""
    return f"""case when {key} is not null then (select {value} from term
        where term.kind = '{kind}' and term.key = {key} and term.customer_label <> '') end"""


_decode_fields = msgspec.json.Decoder(dict[str, Any]).decode


def _shown_fields(hidden: str) -> str:
    """Return the expression of the own fields of the ticket ``t`` that are not hidden.

    Few tickets have values and few fields are hidden: without values nothing is asked, and otherwise once.
    """
    return f"""case when t.fields is not null then t.fields - (select coalesce(array_agg(f.key), '{{}}') from field f
        where f.record = 'ticket' and {hidden}) end"""


CUSTOMER_VERSION = "t.version - t.internal_changes"
"""The version of the ticket ``t`` for its customer."""

COLUMNS = (
    Column("company_id"),
    Column("number"),
    Column("title"),
    Column("description"),
    Column("issue_type"),
    Column("service_type"),
    Column("service_id"),
    Column("service_label"),
    Column("severity", decode=_members(Severity)),
    Column("impact", decode=_members(Impact)),
    Column("priority", decode=_members(Priority)),
    Column("status", decode=_members(Status)),
    Column("contact_name", "contact.name"),
    Column("contact_phone", "contact.phone"),
    Column("contact_email", "contact.email"),
    Column("channel", decode=_members(Channel)),
    Column("created_at"),
    Column("updated_at", for_customers="coalesce(t.customer_updated_at, t.updated_at)"),
    Column("status_changed_at"),
    Column("resolved_at"),
    Column("version", for_customers=CUSTOMER_VERSION),
    Column("asked_severity", decode=_members(Severity)),
    Column("asked_priority", decode=_members(Priority)),
    Column("queue_id"),
    Column("assignee_id"),
    # Most tickets have no tags and no external ids, and null costs the driver less than an empty array or document.
    Column("tags", decode=tuple, null="()", select="nullif(t.tags, '{}')"),
    Column("external_ids", decode=_decode_ids, encode=_json, null="{}", select="nullif(t.external_ids, '{}')"),
    Column("reminder", decode=_decode_reminder, encode=_json_or_null),
    Column("occurred_at"),
    Column("fault", decode=_decode_fault, encode=_fault_json, null="NO_FAULT"),
    Column("is_chronic"),
    Column("sub_status", for_customers=_worded("sub_status", "t.sub_status", "t.sub_status")),
    Column(
        "waiting",
        decode=_decode_waiting,
        encode=_json_or_null,
        for_customers=_worded("waiting_reason", "t.waiting ->> 'reason'", "t.waiting - 'text' - 'by' - 'case'"),
    ),
    Column(
        "closure",
        decode=_decode_closure,
        encode=_json_or_null,
        for_customers="""case when t.closure ? 'resolution'
        then jsonb_build_object('resolution', t.closure -> 'resolution') end""",
    ),
    Column(
        "fields", decode=_decode_fields, encode=_fields_or_null, null="{}",
        select=_shown_fields("f.deleted_at is not null"),
        for_customers=_shown_fields("(f.visible_to <> 'customer' or f.deleted_at is not null)"),
    ),
)  # fmt: skip
"""In the order of a row. A field of ``Ticket`` that is a value of several columns has them side by side."""


def _selected(column: Column, *, for_staff: bool) -> str:
    select = column.select if for_staff else column.for_customers or column.select
    return f"{select} as {column.name}" if select else f"t.{column.name}"


_TICKETS = {
    for_staff: ", ".join(_selected(column, for_staff=for_staff) for column in COLUMNS) for for_staff in (True, False)
}
TICKET = _TICKETS[True]
"""What a statement selects of the ticket ``t``, with the version and time of the provider's people."""

NAMES = f"""join company c on c.id = t.company_id
    left join queue q on q.id = t.queue_id
    left join app_user u on u.company_id = '{PROVIDER_ID}' and u.id = t.assignee_id
    left join ticket_merge m on m.company_id = t.company_id and m.ticket_number = t.number"""
"""What a ticket ``t`` refers to, for ``VIEW``."""

_NAMES = ("c.name", "c.code", "q.name", "u.name", "m.into_number")
VIEWS = {for_staff: f"{ticket}, {', '.join(_NAMES)}" for for_staff, ticket in _TICKETS.items()}
"""What a statement selects of the ticket ``t`` joined with ``NAMES``, for the provider's people or for a customer.

Both have the same columns. The database chooses the version and the time: to read both would cost a list a sixth.
"""
VIEW = VIEWS[True]


def next_version(at: str, *, visible: str = "true") -> str:
    """Return what a statement that changes a ticket sets besides the values: its versions and times.

    ``at`` and ``visible`` are expressions: the time, and whether the customer sees the change. A change that it does
    not see leaves the customer's version and time.
    """
    both = f"updated_at = {at}, version = version + 1"
    if visible == "true":
        return f"{both}, customer_updated_at = null"
    return f"""{both}, internal_changes = internal_changes + (not {visible})::integer,
           customer_updated_at = case when not {visible} then coalesce(customer_updated_at, updated_at) end"""


_NOTE = ", ".join(f"n.{name}" for name in Note.__struct_fields__)
NOTES = f"""(select json_agg(json_build_array({_NOTE}) order by n.number)
       from note n
      where n.company_id = t.company_id and n.ticket_number = t.number and n.visibility = any({{visibilities}})
    ) as notes"""
"""The notes of ticket ``t`` in one JSON value, each an array: less than half the cost of the same rows decoded one by
one. An object for each note would cost the database a sixth of a list more."""

LIMITED_NOTES = f"""(select json_agg(json_build_array({_NOTE}) order by n.number)
       from (select * from note
              where company_id = t.company_id and ticket_number = t.number and visibility = any({{visibilities}})
              order by number limit {{most}}) n
    ) as notes"""
"""The same with at most a number of notes, the oldest."""

PEOPLE = """(select json_agg(json_build_array(p.kind, p.email, p.name, p.phone, p.roles, p.id, u.id) order by p.id)
       from ticket_contact p left join app_user u on u.company_id = p.company_id and lower(u.email) = lower(p.email)
      where p.company_id = t.company_id and p.ticket_number = t.number
    ) as people"""
"""The people of ticket ``t`` besides its contact in one JSON value, each an array of the fields of ``Person``."""

_CASE = ", ".join(f"k.{name}" for name in Case.__struct_fields__)
CASES = f"""(select json_agg(json_build_array({_CASE}) order by k.opened_at, k.id)
       from ticket_case k
      where k.company_id = t.company_id and k.ticket_number = t.number
    ) as cases"""
"""The cases of ticket ``t`` at third parties in one JSON value, each an array of the fields of ``Case``."""

PARTS = {True: f"{PEOPLE}, {CASES}", False: f"{PEOPLE}, null as cases"}
"""What a statement selects next to ``VIEW`` for a whole ticket, for the provider's people or for a customer."""

AFTER_TICKET = len(COLUMNS)
AFTER_VIEW = AFTER_TICKET + len(_NAMES)
"""Where the people are, and the cases behind them, in a row that has ``PARTS`` next to ``VIEW``."""

_decode_notes = msgspec.json.Decoder(list[Note]).decode
_decode_people = msgspec.json.Decoder(list[Person]).decode
_decode_cases = msgspec.json.Decoder(tuple[Case, ...]).decode


def people_in(value: str | None) -> People:
    """Return the people in a value that ``PEOPLE`` selects."""
    return people_of(_decode_people(value)) if value else NOBODY


def cases_in(value: str | None) -> tuple[Case, ...]:
    """Return the cases in a value that ``CASES`` selects."""
    return _decode_cases(value) if value else ()


class Part:
    """A value that ``make`` returns when it is called with ``members`` by position.

    A member is the path of a value in ``TicketView``, such as ``ticket.title`` or ``queue_name``, or another part.
    """

    __slots__ = ("make", "members")

    def __init__(self, make: Callable[..., Any], *members: "str | Part") -> None:
        self.make, self.members = make, members


def _root(column: Column) -> str:
    return (column.field or column.name).partition(".")[0]


def _value(column: Column, index: int, known: dict[str, Any], *, raw_enumerations: bool) -> str:
    """Return the expression of a column's value in a row."""
    value = f"row[{index}]"
    is_enumeration = isinstance(column.decode, Mapping)
    if column.decode is None or (is_enumeration and raw_enumerations):
        return value
    known[f"decode_{index}"] = column.decode
    if is_enumeration:
        return f"decode_{index}[{value}]"
    return f"decode_{index}(value) if (value := {value}) is not None else {column.null}"


def _values(known: dict[str, Any], *, raw_enumerations: bool) -> dict[str, str]:
    """Return the expressions of the values of a view in a row that begins with ``VIEW``, by their paths."""
    values: dict[str, str] = {}
    for name, columns in groupby(enumerate(COLUMNS), lambda numbered: _root(numbered[1])):
        parts = [_value(column, index, known, raw_enumerations=raw_enumerations) for index, column in columns]
        values[f"ticket.{name}"] = f"Contact({', '.join(parts)})" if name == "contact" else parts[0]
    company_name, code, *names = (f"row[{index}]" for index in range(AFTER_TICKET, AFTER_VIEW))
    values["company"] = f"Company({values['ticket.company_id']}, {company_name}, {code})"
    known |= {"people_in": people_in, "cases_in": cases_in}
    names += [f"people_in(row[{AFTER_VIEW}])", f"cases_in(row[{AFTER_VIEW + 1}])"]
    return values | dict(zip(TicketView.__struct_fields__[2:], names, strict=True))


def _expression(member: str | Part, paths: Callable[[str], str], known: dict[str, Any]) -> str:
    if isinstance(member, str):
        return paths(member)
    name = f"make_{len(known)}"
    known[name] = member.make
    return f"{name}({', '.join(_expression(inner, paths, known) for inner in member.members)})"


def row_reader(whole: Part, *, raw_enumerations: bool = False) -> Callable[[Record], Any]:
    """Return the function that makes ``whole`` of a row that begins with ``VIEW``, as one expression.

    A list of 200 tickets has 6,400 values: a loop over the columns would cost more than the database. With
    ``raw_enumerations`` the members of enumerations stay text, for what becomes JSON at once.
    """
    known: dict[str, Any] = {"Company": Company, "Contact": Contact, "NO_FAULT": NO_FAULT}
    values = _values(known, raw_enumerations=raw_enumerations)
    compiled: Callable[[Record], Any] = eval(f"lambda row: {_expression(whole, values.__getitem__, known)}", known)  # noqa: S307 - only code of this file
    return compiled


def view_reader(whole: Part) -> Callable[[TicketView], Any]:
    """Return the function that makes ``whole`` of a view, as one expression."""
    known: dict[str, Any] = {}
    expression = _expression(whole, lambda path: path if path.startswith("ticket.") else f"view.{path}", known)
    compiled: Callable[[TicketView], Any] = eval(f"lambda view: (lambda ticket: {expression})(view.ticket)", known)  # noqa: S307 - only code of this file
    return compiled


_TICKET = Part(Ticket, *(f"ticket.{name}" for name in Ticket.__struct_fields__))

ticket_of: Callable[[Record], Ticket] = row_reader(_TICKET)
"""Return the ticket in a row that begins with ``TICKET``."""

view_of: Callable[[Record], TicketView] = row_reader(Part(TicketView, _TICKET, *TicketView.__struct_fields__[1:-2]))
"""Return the view of a ticket in a row that begins with ``VIEW``."""

whole_view_of: Callable[[Record], TicketView] = row_reader(Part(TicketView, _TICKET, *TicketView.__struct_fields__[1:]))
"""Return the view of a ticket with its people and cases, in a row that begins with ``VIEW`` and ``PARTS``."""


def notes_of(value: str | None) -> list[Note]:
    """Return the notes in a value that ``NOTES`` selects, oldest first."""
    return _decode_notes(value) if value else []


def only(names: Iterable[str]) -> tuple[Column, ...]:
    """Return the columns that hold these fields of ``Ticket``."""
    fields = set(names)
    return tuple(column for column in COLUMNS if _root(column) in fields)


def but(*names: str) -> tuple[Column, ...]:
    """Return the columns that hold all other fields of ``Ticket`` than these."""
    return tuple(column for column in COLUMNS if _root(column) not in names)


EDITABLE = only(set(TicketValues.__struct_fields__) - {"fields"})
"""What a change of a ticket sets, besides the own fields, of which it sets those that change."""


def binder(columns: Sequence[Column]) -> Callable[[Ticket | TicketValues], list[object]]:
    """Return the function that reads the values of columns, in their order, from what has their fields."""
    read = attrgetter(*(column.field or column.name for column in columns))
    encoders = [(index, column.encode) for index, column in enumerate(columns) if column.encode is not None]

    def bind(source: Ticket | TicketValues) -> list[object]:
        values = list(read(source))
        for index, encode in encoders:
            values[index] = encode(values[index])
        return values

    return bind
