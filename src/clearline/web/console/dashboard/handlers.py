"""The dashboard."""

from datetime import date, timedelta
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from babel.dates import format_date
from msgspec import Struct

from clearline.catalogue.assessment import Priority
from clearline.feedback import usecases as feedback
from clearline.feedback.domain import Summary
from clearline.identity import Actor
from clearline.language.reader import reader
from clearline.notifications import preference_usecases as preferences
from clearline.platform.database.transactions import Tx
from clearline.search.list_usecases import Count, count_queries
from clearline.tickets import list_usecases as ticket_lists
from clearline.tickets.list_store import Filter
from clearline.tickets.lists.order import Order
from clearline.tickets.reports import usecases as reports
from clearline.tickets.reports.domain import AgeGroup, Day, Tally
from clearline.web import looks
from clearline.web.console.dashboard.charts import Chart, Column, charts
from clearline.web.console.views import sidebar, with_counts
from clearline.web.visit import Visit
from clearline.web.words import gettext, ngettext, number
from clearline.wires.http.call import Answer

PATH = "/console/dashboard"
_DAYS = 30
_COMMENTS = 5
_BY_URGENCY: tuple[Priority, ...] = tuple(reversed(Priority))
_SECONDS = 1
"""How long a count may take; the tile of one that takes longer has no number."""


class Tile(Struct, frozen=True):
    """A number that agents need, and the list that it counts."""

    label: str
    path: str
    query: str
    count: str = ""
    is_alarming: bool = False


class Table(Struct, frozen=True):
    """The values of a chart as a table."""

    heading: list[str]
    rows: list[list[str]]


class Figure(Struct, frozen=True):
    """What a chart shows: its finding in words, the chart in each width, and the values."""

    says: str
    charts: list[Chart]
    table: Table


async def show_dashboard(visit: Visit) -> Answer:
    """Show what comes in and is closed, what is open and for how long, and the numbers that agents need."""
    async with visit.services.database.transaction() as tx:
        side = await sidebar(tx, visit.actor)
        zone = await _zone(tx, visit.actor)
        days = await reports.count_by_day(tx, visit.actor, zone=zone, days=_DAYS, now=visit.now)
        ages = await reports.count_by_age(tx, visit.actor, now=visit.now)
        since = visit.now - timedelta(days=_DAYS)
        rated = await feedback.summarize(tx, visit.actor, since=since)
        comments = await feedback.list_comments(tx, visit.actor, since=since, limit=_COMMENTS)
        oldest = await ticket_lists.list_tickets(
            tx, visit.actor, Filter(), after=None, limit=1, newest_first=False, order=Order.CREATED
        )
    side = await with_counts(visit, side)
    return visit.page(
        "console/dashboard/dashboard.html", side=side, here=PATH, zone=zone.key, tiles=await _tiles(visit),
        oldest=oldest[0] if oldest else None, rated=_rated_in_words(rated), comments=comments,
        days=Figure(_days_in_words(days), charts([_column(day) for day in days]), _day_table(days)),
        ages=Figure(_ages_in_words(ages), charts([_age_column(group) for group in ages]), _age_table(ages)),
    )  # fmt: skip


async def _zone(tx: Tx, actor: Actor) -> ZoneInfo:
    """Return the time zone of the person: that of its notifications."""
    own = await preferences.get_own(tx, actor)
    return ZoneInfo(own.preferences.time_zone)


async def _tiles(visit: Visit) -> list[Tile]:
    tiles = [
        Tile(gettext("Open"), "/console/open", ""),
        Tile(gettext("Unassigned"), "/console/unassigned", "assignee:none"),
        Tile(gettext("Critical"), "/console/open", "priority:critical"),
        Tile(gettext("Waiting on customer"), "/console/open", "status:pending"),
    ]
    texts = [f"status:open {tile.query}" for tile in tiles]
    counts = await count_queries(visit.services.database, visit.actor, texts, seconds=_SECONDS)
    return [_counted(tile, count) for tile, count in zip(tiles, counts, strict=True)]


def _counted(tile: Tile, count: Count | None) -> Tile:
    filtered = tile.query and tile.path == "/console/open"
    path = f"{tile.path}?{urlencode({'q': tile.query})}" if filtered else tile.path
    is_alarming = tile.query == "priority:critical" and count is not None and count.count > 0
    return Tile(tile.label, path, tile.query, "" if count is None else _number(count), is_alarming)


def _number(count: Tally | Count) -> str:
    return number(count.count) + ("" if count.is_exact else "+")


def _short(day: date) -> str:
    return format_date(day, "d MMM", locale=reader().language)


def _column(day: Day) -> Column:
    says = gettext("%(day)s: %(created)s created, %(closed)s closed") % {
        "day": _short(day.day), "created": _number(day.created), "closed": _number(day.closed)
    }  # fmt: skip
    return Column(_short(day.day), {"created": day.created.count}, says, day.closed.count)


def _sum(tallies: list[Tally]) -> Tally:
    return Tally(sum(tally.count for tally in tallies), all(tally.is_exact for tally in tallies))


def _days_in_words(days: list[Day]) -> str:
    created, closed = _sum([day.created for day in days]), _sum([day.closed for day in days])
    return gettext("In the last %(days)s days %(created)s tickets were created and %(closed)s closed.") % {
        "days": len(days), "created": _number(created), "closed": _number(closed)
    }  # fmt: skip


def _rated_in_words(rated: Summary) -> str:
    if not rated.count:
        return gettext("In the last %(days)s days no customer rated a resolution.") % {"days": _DAYS}
    text = ngettext(
        "%(share)s %% of %(count)s rating in the last %(days)s days was good.",
        "%(share)s %% of %(count)s ratings in the last %(days)s days were good.",
        rated.count,
    )
    return text % {"share": rated.share, "count": number(rated.count), "days": _DAYS}


def _day_table(days: list[Day]) -> Table:
    rows = [[_short(day.day), _number(day.created), _number(day.closed)] for day in reversed(days)]
    return Table([gettext("Day"), gettext("Created"), gettext("Closed")], rows)


def _age(group: AgeGroup) -> str:
    if group.below is None:
        return gettext("> %(days)s d") % {"days": group.least}
    return gettext("%(least)s-%(below)s d") % {"least": group.least, "below": group.below}


def _age_column(group: AgeGroup) -> Column:
    values = {str(priority): group.priorities.get(priority, 0) for priority in _BY_URGENCY}
    return Column(_age(group), values, f"{_age(group)}: {_number(group.total)}")


def _ages_in_words(groups: list[AgeGroup]) -> str:
    old, everything = groups[-1].total, _sum([group.total for group in groups])
    text = ngettext(
        "%(old)s of %(all)s open ticket is older than %(days)s days.",
        "%(old)s of %(all)s open tickets are older than %(days)s days.",
        everything.count,
    )
    return text % {"old": _number(old), "all": _number(everything), "days": groups[-1].least}


def _age_table(groups: list[AgeGroup]) -> Table:
    heading = [
        gettext("Age"),
        *(gettext(look.label) for look in map(looks.PRIORITIES.__getitem__, _BY_URGENCY)),
        gettext("All"),
    ]
    rows = [
        [
            _age(group),
            *(number(group.priorities.get(priority, 0)) for priority in _BY_URGENCY),
            _number(group.total),
        ]
        for group in groups
    ]
    return Table(heading, rows)
