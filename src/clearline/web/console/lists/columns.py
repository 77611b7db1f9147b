"""The columns of lists: which ones a list has, and the form in which a person chooses them."""

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode
from uuid import UUID

from msgspec import Struct

from clearline.accounts.tiers.usecases import labels_of as tiers_of_companies
from clearline.errors import NotFound
from clearline.fields.domain import Field, RecordKind
from clearline.fields.reference_usecases import NO_NAMES, NamesInList, names_in_list
from clearline.fields.usecases import definitions
from clearline.identity import Actor
from clearline.language.reader import reader
from clearline.platform.database.transactions import Tx
from clearline.tickets.domain import TicketView
from clearline.tickets.lists.order import Order
from clearline.web.console.views import View, carried, columns_of, sidebar, view_at
from clearline.web.records.form import VERSION, check_version
from clearline.web.tickets.own_fields import value_text
from clearline.web.visit import Form, Visit, redirect
from clearline.wires.http.call import Answer
from clearline.workspace import column_usecases as list_columns
from clearline.workspace import view_usecases as saved_views
from clearline.workspace.column_domain import DEFAULT_COLUMNS, OWN_FIELD, Column, Columns, in_order

PARAMETER = "columns"
WITH_REMINDER = in_order({*DEFAULT_COLUMNS, Column.REMINDER} - {Column.UPDATED_AT})
"""The default columns of the view of reminders."""
_NONE = "none"
"""What the parameter has when a list shows the title alone: an empty one would not be sent."""


def columns_in(values: Mapping[str, str]) -> Columns | None:
    """Return the columns that the query of an address, or a form, names; None if it names none."""
    return in_order(values[PARAMETER].split(",")) if PARAMETER in values else None


def columns_parameter(columns: Columns) -> dict[str, str]:
    """Return the parameter that names columns in an address; none for the default columns."""
    return {} if columns == DEFAULT_COLUMNS else {PARAMETER: ",".join(columns) or _NONE}


class Shown(Struct, frozen=True):
    """What rows need for their columns: own fields by the names of their columns, and the tiers of companies.

    ``names`` are those of what own fields refer to.
    """

    own: dict[str, Field] = {}
    tiers: dict[UUID, str] = {}
    names: NamesInList = NO_NAMES

    def text(self, view: TicketView, column: str) -> str:
        """Return the value of the own field of a column, in words."""
        field = self.own[column]
        value = view.ticket.fields.get(field.key)
        if value is None:
            return ""
        name = None
        if field.refers_to is not None:
            name = self.names.of(view.ticket.company_id, field.refers_to, value)
        return name or value_text(field, value, reader().language)


def offered(fields: Sequence[Field]) -> dict[str, Field]:
    """Return the own fields that a list can show, by the names of their columns."""
    return {OWN_FIELD + field.key: field for field in fields}


async def for_rows(tx: Tx, actor: Actor, columns: Columns, tickets: Sequence[TicketView]) -> Shown:
    """Return what the rows of tickets need for their columns."""
    own: dict[str, Field] = {}
    if any(column.startswith(OWN_FIELD) for column in columns):
        known = offered((await definitions(tx)).shown(RecordKind.TICKET, for_staff=True))
        own = {column: known[column] for column in columns if column in known}
    tiers = {}
    if Column.TIER in columns and tickets:
        tiers = await tiers_of_companies(tx, actor, {view.company.id for view in tickets})
    values = ((view.ticket.company_id, view.ticket.fields) for view in tickets)
    return Shown(own, tiers, await names_in_list(tx, actor, own.values(), values))


def known_columns(columns: Columns, shown: Shown) -> Columns:
    """Return the columns without those of own fields that there are no more."""
    return tuple(column for column in columns if column in shown.own or not column.startswith(OWN_FIELD))


async def shown_columns(visit: Visit, tx: Tx, view: View) -> Columns:
    """Return the columns of a view: those that the address names, or that were chosen for it, or the default ones."""
    named = columns_in(visit.query)
    if named is not None:
        return named
    if view.saved is not None:
        chosen = view.saved.columns
    else:
        chosen = await list_columns.chosen_columns(tx, visit.actor, _name(view))
    default = WITH_REMINDER if view.sort == Order.REMINDER else DEFAULT_COLUMNS
    return default if chosen is None else chosen


async def choose_columns(visit: Visit) -> Answer:
    """Store the columns of a list: with the saved view for everybody who sees it, or else for the person.

    Raises:
        ChangedMeanwhile: somebody chose others for the view since.
    """
    parameters = carried(visit)
    path = f"/console/{parameters.pop('list', 'open')}"
    async with visit.services.database.transaction() as tx:
        view = await view_at(tx, visit.actor, await sidebar(tx, visit.actor), path)
        if view is None:
            raise NotFound("view", path)
        columns = _chosen(visit.form)
        if view.saved is None:
            await list_columns.choose_columns(tx, visit.actor, _name(view), columns)
        else:
            saved = await saved_views.lock_view(tx, visit.actor, view.saved.id)
            if visit.form.has(VERSION):
                check_version(visit.form, columns_of(saved))
            await saved_views.change_view(tx, visit.actor, view.saved.id, {"columns": columns}, now=visit.now)
    return redirect(visit.browser, f"{path}?{urlencode(parameters)}" if parameters else path)


def _chosen(form: Form) -> Columns | None:
    columns = in_order(form.all("column"))
    return None if form.has("default") or columns == DEFAULT_COLUMNS else columns


def _name(view: View) -> str:
    return view.path.removeprefix("/console/")
