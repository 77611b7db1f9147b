"""The views of the console: which tickets each lists, its address and its key."""

from urllib.parse import urlencode
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from clearline.accounts import usecases as accounts
from clearline.drafts import pending_usecases as pending
from clearline.identity import Actor, Company
from clearline.platform.database.transactions import Tx
from clearline.queues import usecases as queues
from clearline.queues.domain import Queue
from clearline.search.list_usecases import Count, CountedList, count_queries
from clearline.tickets.domain import Status, ticket_number
from clearline.tickets.list_store import Filter
from clearline.tickets.lists.order import Order
from clearline.web.console.live.stream import newest_cursor
from clearline.web.records.form import Values
from clearline.web.visit import Visit
from clearline.web.words import gettext
from clearline.workspace import view_usecases as saved_views
from clearline.workspace.domain import SavedView

_MOST = 200
CARRIED = ("list", "q", "sort")
"""The parameters of a ticket's page that name the list that a person came from."""
SAVED = "/console/views/"


class View(Struct, frozen=True):
    """A list of tickets by name. ``filter`` is what an index serves, ``query`` the same for the search."""

    path: str
    title: str
    icon: str
    query: str
    filter: Filter | None = None
    keys: str = ""
    count: str | None = None
    saved: SavedView | None = None
    sort: str | None = None

    @property
    def stored_sort(self) -> str | None:
        """The name of the order of its tickets, as saved views have it; None for the default."""
        return self.sort if self.saved is None else self.saved.sort


def form_values(view: SavedView) -> Values:
    """Return what the form of a saved view has."""
    return {"name": [view.name], "query": [view.query], "sort": [view.sort or ""], "shared": [str(view.is_shared)]}


def columns_of(view: SavedView) -> Values:
    """Return what the form of the columns of a saved view has."""
    return {"column": view.columns or ()}


class Sidebar(Struct, frozen=True):
    """The views that a person can open. ``all_queues`` are those of all teams, by name.

    ``others`` are views that a page shows and the side bar does not. ``cursor`` is where the changes begin that a page
    with these views does not show. ``unsent`` leads to tickets with a message of the person that could not be sent.
    """

    views: list[View]
    queues: list[View]
    saved: list[View]
    all_queues: list[Queue] = []
    operate: list[View] = []
    admin: list[View] = []
    cursor: str = ""
    unsent: list[View] = []
    others: list[View] = []

    def find(self, path: str) -> View | None:
        """Return the view at an address, or None."""
        views = (*self.views, *self.queues, *self.saved, *self.others)
        return next((view for view in views if view.path == path), None)

    def showing(self, view: View) -> "Sidebar":
        """Return the same with a view that the page shows."""
        return self if self.find(view.path) else replace(self, others=[*self.others, view])


_WAITING = (Status.PENDING, Status.HELD)
_COUNT_SECONDS = 1
"""How long the count of a view may take; one that takes longer has no badge."""
_COUNT_ENOUGH = 100
"""From this number on a count may be a lower bound, which costs less on a large desk."""


def fixed_views(actor: Actor) -> list[View]:
    """Return the views that everybody has."""
    me = None if actor.user is None else actor.user.id
    return [
        View("/console/mine", gettext("My tickets"), "inbox", "status:open assignee:me", Filter(assignee_id=me), "g m"),
        View(
            "/console/unassigned", gettext("Unassigned"), "circle-dashed", "status:open assignee:none",
            Filter(unassigned=True), "g u",
        ),
        View("/console/open", gettext("All open"), "list", "status:open", Filter(), "g o"),
        View(
            "/console/waiting", gettext("Waiting"), "clock", f"status:{','.join(_WAITING)}",
            Filter(statuses=_WAITING), "g w",
        ),
        View(
            "/console/reminders", gettext("Reminders"), "alarm-clock", "reminder:any", Filter(has_reminder=True), "g r",
            sort=Order.REMINDER,
        ),
    ]  # fmt: skip


def carried(visit: Visit) -> dict[str, str]:
    """Return the parameters that name the list that a person came from."""
    return {name: visit.query[name] for name in CARRIED if visit.query.get(name)}


def list_in(visit: Visit) -> str:
    """Return the query that names the list that a person came from, with its question mark; empty without a list."""
    parameters = carried(visit)
    return f"?{urlencode(parameters)}" if parameters else ""


async def sidebar(tx: Tx, actor: Actor) -> Sidebar:
    """Return the views of a person: the fixed ones, the queues of its teams, and the saved ones."""
    cursor = await newest_cursor(tx, actor)
    listed = await queues.name_queues(tx, actor, limit=_MOST)
    saved = await saved_views.list_views(tx, actor, after=None, limit=_MOST)
    return Sidebar(
        fixed_views(actor),
        [_queue_view(queue) for queue, is_mine in listed if is_mine],
        [View(f"{SAVED}{view.id}", view.name, "bookmark", view.query, saved=view) for view in saved],
        [queue for queue, _is_mine in listed],
        [
            *(_of_whole_desk() if actor.limits is None else []),
            View("/console/companies", gettext("Customers"), "building-2", "", keys="g c"),
        ],
        [View("/console/admin", gettext("Admin"), "settings", "", keys="g ,")] if actor.is_desk_admin else [],
        cursor,
        [
            View(f"/console/tickets/{number}", gettext("Not sent: %s") % number, "triangle-alert", "")
            for number in map(ticket_number, await pending.list_failed(tx, actor))
        ],
    )  # fmt: skip


def _of_whole_desk() -> list[View]:
    """Return what is about all queues and customers."""
    return [
        View("/console/dashboard", gettext("Dashboard"), "chart-line", "", keys="g d"),
        View("/console/handover", gettext("Handover"), "clipboard-check", "", keys="g h"),
    ]


async def view_at(tx: Tx, actor: Actor, known: Sidebar, path: str) -> View | None:
    """Return the view at an address: also a queue of another team, and the open tickets of a company."""
    if (view := known.find(path)) is not None:
        return view
    kind, _slash, text = path.removeprefix("/console/").partition("/")
    if kind not in {"queues", "companies"} or (record_id := _id(text)) is None:
        return None
    if kind == "companies":
        return company_view(await accounts.get_company(tx, actor, record_id))
    return _queue_view(await queues.queue_with_id(tx, actor, record_id))


def _queue_view(queue: Queue) -> View:
    query = f'status:open queue:"{queue.name}"'
    return View(f"/console/queues/{queue.id}", queue.name, "layers", query, Filter(queue_id=queue.id))


def company_view(company: Company) -> View:
    """Return the view of the open tickets of a company; its address is the page of the company."""
    query = f'status:open company:"{company.code}"'
    return View(f"/console/companies/{company.id}", company.name, "building-2", query, Filter(company_id=company.id))


def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


async def with_counts(visit: Visit, side: Sidebar) -> Sidebar:
    """Return the views with the numbers of their tickets. Not to be called while a transaction is open.

    The numbers are exact up to 1,000 while at most 5,000 open tickets are in the same queue, assignee, company
    or desk, and up to 100 in any case. They take connections of their own, one after the other.
    """
    parts = [side.views, side.queues, side.saved, side.others]
    queries = [
        view.query if view.filter is None else CountedList(view.query, view.filter) for part in parts for view in part
    ]
    counts = iter(
        await count_queries(visit.services.database, visit.actor, queries, seconds=_COUNT_SECONDS, enough=_COUNT_ENOUGH)
    )
    views, named_queues, saved, others = ([_counted(view, next(counts)) for view in part] for part in parts)
    return replace(side, views=views, queues=named_queues, saved=saved, others=others)


def _counted(view: View, count: Count | None) -> View:
    return view if count is None else replace(view, count=f"{count.count}{'' if count.is_exact else '+'}")
