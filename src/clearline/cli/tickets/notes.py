"""Commands for the notes of tickets. Part of ``clearline ticket``."""

import click

from clearline.cli.context import transact
from clearline.cli.output import json_option, limit_option, print_json, show, within_limit
from clearline.clock import now
from clearline.identity import OPERATOR
from clearline.platform.database.transactions import Tx
from clearline.tickets import access
from clearline.tickets import note_usecases as notes
from clearline.tickets.domain import Channel
from clearline.tickets.links import merge_usecases as merging
from clearline.tickets.links.domain import TicketNote
from clearline.tickets.note_domain import Note, Visibility, worklog_id
from clearline.wires.house.tickets.mapping import note_out


@click.command("note")
@click.argument("number")
@click.argument("text")
@click.option("--internal", is_flag=True, help="Show the note to the provider's people only.")
@json_option
def ticket_note(number: str, text: str, *, internal: bool, as_json: bool) -> None:
    """Add a note to a ticket."""
    visibility = Visibility.INTERNAL if internal else Visibility.PUBLIC

    async def work(tx: Tx) -> TicketNote:
        ticket = access.parse_number(number)
        added = await notes.append_note(
            tx, OPERATOR, ticket, text, channel=Channel.PHONE, visibility=visibility, now=now()
        )
        return TicketNote(ticket, added)

    added = transact(work)
    show(note_out(added), f"Note {worklog_id(added.note.number)} added to {number}.", as_json=as_json)


@click.command("notes")
@click.argument("number")
@limit_option
@json_option
def ticket_notes(number: str, limit: int, *, as_json: bool) -> None:
    """List the notes of a ticket and of the tickets merged into it, oldest first."""

    async def work(tx: Tx) -> list[TicketNote]:
        return await merging.notes_with_merged(tx, OPERATOR, access.parse_number(number), after=None, limit=limit + 1)

    page = within_limit(transact(work), limit, "notes")
    if as_json:
        print_json([note_out(entry) for entry in page])
    elif page:
        print_notes([entry.note for entry in page])
    else:
        click.echo("No notes found.", err=True)


def print_notes(notes: list[Note]) -> None:
    """Print notes with their authors and times."""
    for note in notes:
        mark = " (internal)" if note.visibility is Visibility.INTERNAL else ""
        click.echo(f"{worklog_id(note.number)}  {note.created_at:%Y-%m-%d %H:%M}Z  {note.author}{mark}\n{note.text}\n")
