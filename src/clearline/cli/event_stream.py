"""Commands for the event stream."""

import asyncio
from collections.abc import AsyncIterator

import click
import msgspec

from clearline.cli.context import Start, run
from clearline.cli.event_text import details, subject, version
from clearline.cli.parameters.numbers import TICKET
from clearline.cli.terminal.text import echo
from clearline.controls import visible_json
from clearline.event_stream import usecases as stream
from clearline.event_stream.store import EventCursor
from clearline.event_stream.usecases import Reader
from clearline.events.store import Event
from clearline.identity import OPERATOR
from clearline.platform.database.transactions import Database
from clearline.tickets import access
from clearline.wires.house.event_stream.mapping import streamed_event_out

_POLL_SECONDS = 0.5


class _Cursor(click.ParamType[EventCursor]):
    name = "cursor"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> EventCursor:
        """Read a cursor."""
        if isinstance(value, EventCursor):
            return value
        cursor = stream.parse_cursor(str(value))
        if cursor is None:
            self.fail("must be the cursor of an event, or 0-0-0 for the beginning", param, ctx)
        return cursor


@click.group()
def events() -> None:
    """Read the event stream."""


@events.command("tail")
@click.option("--after", type=_Cursor(), help="Only events after this cursor, as --json prints it.")
@click.option("--company", metavar="NAME", help="Only events of the company with this name or customer code.")
@click.option("--ticket", type=TICKET, metavar="NUMBER", help="Only events of this ticket.")
@click.option(
    "--type", "types", metavar="TYPE", multiple=True,
    help="Only events of this type; a prefix ends with a dot: note. Repeat for several.",
)  # fmt: skip
@click.option("--follow", is_flag=True, help="Wait for new events, until Ctrl-C.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object per line, as the house API answers it.")
def events_tail(
    *,
    after: EventCursor | None,
    company: str | None,
    ticket: str | None,
    types: tuple[str, ...],
    follow: bool,
    as_json: bool,
) -> None:
    """Print events in the order of the stream, oldest first.

    Without --after all events are printed; with --follow and without --after only new ones.
    """

    async def work(database: Database) -> None:
        async with database.transaction() as tx:
            number = None if ticket is None else access.parse_number(ticket)
            reader = await stream.open_reader(tx, OPERATOR, company=company, ticket=number, types=types)
            cursor = await stream.starting_cursor(tx, after, reader, from_now=follow)
        async for event in _read(database, reader, cursor, follow=follow):
            echo(_json(event) if as_json else _line(event))

    try:
        run(work, start=Start.BY_SERVER if follow else Start.ITSELF)
    except KeyboardInterrupt:
        if not follow:
            raise


async def _read(database: Database, reader: Reader, cursor: EventCursor, *, follow: bool) -> AsyncIterator[Event]:
    while True:
        async with database.statement() as tx:
            page = await stream.read(tx, reader, cursor)
        for event in page.events:
            yield event
        cursor = page.cursor
        if page.has_more:
            continue
        if not follow:
            return
        await asyncio.sleep(_POLL_SECONDS)


def _line(event: Event) -> str:
    text = f"{event.at:%Y-%m-%d %H:%M:%S}Z  {event.type:<22}  {subject(event):<15}  {event.actor_name}"
    return "  ".join(filter(None, [text, version(event), details(event)]))


def _json(event: Event) -> str:
    return visible_json(msgspec.json.encode(streamed_event_out(event)).decode())
