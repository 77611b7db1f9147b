"""Desktop notices of the person, for the tab of its browser that holds the stream."""

from collections.abc import Sequence

from clearline.event_stream import usecases as stream
from clearline.event_stream.usecases import format_cursor
from clearline.notifications.desktop_usecases import DesktopNotice, NoticeReason, desktop_notices
from clearline.tickets.domain import ticket_number
from clearline.web.console.live.stream import CHANGES_VARY, console_reader
from clearline.web.visit import Visit
from clearline.web.words import gettext, ngettext
from clearline.wires.http import event_stream
from clearline.wires.http.call import Answer, encode
from clearline.wires.http.cursors import InvalidCursor

_EVENTS_MAX = 500
_SINGLE_MAX = 3
"""More notices at once are shown as one."""


async def show_notices(visit: Visit) -> Answer:
    """Return the notices that the events after a cursor make, as JSON, with the cursor to go on from.

    At most 500 events are read; those that follow make notices when the browser asks again.
    """
    text = visit.query.get("after", "")
    cursor = stream.parse_cursor(text)
    if text and cursor is None:
        raise InvalidCursor
    async with visit.services.database.transaction() as tx:
        reader = await console_reader(tx, visit.actor)
        begin = await stream.starting_cursor(tx, cursor, reader, from_now=True)
        page = await stream.read(tx, reader, begin, limit=_EVENTS_MAX)
        notices = await desktop_notices(tx, visit.actor, page.events)
    body = {"cursor": format_cursor(page.cursor), "notices": _shown(notices)}
    return Answer(200, encode(body), event_stream.headers("application/json", CHANGES_VARY))


def _shown(notices: Sequence[DesktopNotice]) -> list[dict[str, str]]:
    """Return what a browser shows: of a ticket its number and subject, and nothing that people wrote in it."""
    if len(notices) > _SINGLE_MAX:
        title = ngettext("%(num)s ticket for you", "%(num)s tickets for you", len(notices)) % {"num": len(notices)}
        numbers = ", ".join(ticket_number(notice.view.ticket.number) for notice in notices)
        return [{"tag": "many", "title": title, "body": numbers, "path": "/console/mine"}]
    return [_notice(notice) for notice in notices]


def _notice(notice: DesktopNotice) -> dict[str, str]:
    ticket = notice.view.ticket
    number = ticket_number(ticket.number)
    title = (
        gettext("Assigned to you")
        if notice.reason is NoticeReason.ASSIGNED
        else gettext("Critical in %(queue)s") % {"queue": notice.view.queue_name}
    )
    return {"tag": number, "title": title, "body": f"{number} {ticket.title}", "path": f"/console/tickets/{number}"}
