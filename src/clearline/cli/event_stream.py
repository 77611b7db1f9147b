"""What happens, as it happens."""

import asyncio
from collections.abc import AsyncIterator

import click
import msgspec

from clearline.cli.audit import about, details
from clearline.cli.context import run
from clearline.event_stream import usecases as stream
from clearline.event_stream.store import EventCursor
from clearline.event_stream.usecases import Reader
from clearline.events.store import Event
from clearline.identity import OPERATOR
from clearline.platform.database.transactions import Database
from clearline.tickets import access
from clearline.wires.house.event_stream.mapping import streamed_event_out

_EVERY = 0.5
"""Seconds between two looks for what is new."""


class _Cursor(click.ParamType[EventCursor]):
    name = "cursor"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> EventCursor:
        """Return the cursor in a text."""
        if isinstance(value, EventCursor):
            return value
        cursor = stream.parse_cursor(str(value))
        if cursor is None:
            self.fail("is no cursor of an event; 0-0-0 is the beginning", param, ctx)
        return cursor


@click.group()
def events() -> None:
    """What happened, in the order in which it happened."""


@events.command()
@click.option("--after", type=_Cursor(), help="Only what came after this event: its cursor, as --json prints it.")
@click.option("--company", metavar="NAME", help="Only of the company with this name or customer code.")
@click.option("--ticket", metavar="NUMBER", help="Only what happens to this ticket.")
@click.option(
    "--type", "types", metavar="TYPE", multiple=True,
    help="Only this type, or with a dot at its end what begins so: note. May be given several times.",
)  # fmt: skip
@click.option("--follow", is_flag=True, help="Go on with what is to come, until Ctrl-C.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object for each event, one a line.")
def tail(
    *,
    after: EventCursor | None,
    company: str | None,
    ticket: str | None,
    types: tuple[str, ...],
    follow: bool,
    as_json: bool,
) -> None:
    """Print events, oldest first: those after a cursor, or all there are.

    With --follow and without a cursor only what is still to come.
    """

    async def work(database: Database) -> None:
        async with database.transaction() as tx:
            number = None if ticket is None else access.check_number(ticket)
            reader = await stream.open_reader(tx, OPERATOR, company=company, ticket=number, types=types)
            cursor = await stream.starting_cursor(tx, after, reader, from_now=follow)
        async for event in _read(database, reader, cursor, follow=follow):
            click.echo(_json(event) if as_json else _line(event))

    try:
        run(work)
    except KeyboardInterrupt:
        if not follow:
            raise


async def _read(database: Database, reader: Reader, cursor: EventCursor, *, follow: bool) -> AsyncIterator[Event]:
    while True:
        async with database.statement() as tx:
            found = await stream.read(tx, reader, cursor)
        for event in found.events:
            yield event
        cursor = found.cursor
        if found.has_more:
            continue
        if not follow:
            return
        await asyncio.sleep(_EVERY)


def _line(event: Event) -> str:
    told = f"{event.at:%Y-%m-%d %H:%M:%S}Z  {event.type:<22}  {about(event):<15}  {event.actor_name}"
    return f"{told}  {more}" if (more := details(event)) else told


def _json(event: Event) -> str:
    """The same members as the house API answers."""
    return msgspec.json.encode(streamed_event_out(event)).decode()
