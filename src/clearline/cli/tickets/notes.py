"""Commands for the notes of tickets. Part of ``clearline ticket``."""

from collections.abc import Sequence

import click

from clearline.cli.context import current_settings, transact
from clearline.cli.output import json_option, limit_option, print_json, show, within_limit
from clearline.cli.parameters.numbers import NOTE, TICKET
from clearline.cli.terminal.text import echo
from clearline.clock import now
from clearline.errors import NotFound
from clearline.identity import OPERATOR
from clearline.platform.database.transactions import Tx
from clearline.tickets import access
from clearline.tickets import note_usecases as notes
from clearline.tickets.domain import Channel, ticket_number
from clearline.tickets.links import merge_usecases as merging
from clearline.tickets.links.domain import TicketNote
from clearline.tickets.note_domain import Visibility, parse_worklog_id, worklog_id
from clearline.wires.house.tickets.mapping import note_out, trimmed_text_out


@click.command("note")
@click.argument("number", type=TICKET)
@click.argument("text")
@click.option("--internal", is_flag=True, help="Show the note to the provider's people only.")
@json_option
def ticket_note(number: str, text: str, *, internal: bool, as_json: bool) -> None:
    """Add a note to a ticket."""
    visibility = Visibility.INTERNAL if internal else Visibility.PUBLIC

    async def work(tx: Tx) -> TicketNote:
        ticket = access.parse_number(number)
        added = await notes.append_note(
            tx,
            OPERATOR,
            ticket,
            text,
            channel=Channel.PHONE,
            visibility=visibility,
            notes_max=current_settings().ticket_notes_max,
            now=now(),
        )
        return TicketNote(ticket, added)

    added = transact(work)
    show(note_out(added), f"Note {worklog_id(added.note.number)} added to {number}.", as_json=as_json)


@click.command("notes")
@click.argument("number", type=TICKET)
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
        print_notes(page, at=access.parse_number(number))
    else:
        echo("No notes found.", err=True)


def print_notes(page: Sequence[TicketNote], *, at: int) -> None:
    """Print notes with their authors and times, and how to read what was trimmed from their mails.

    ``at`` is the number of the ticket that they are shown at: those of a merged ticket name that one.
    """
    for entry in page:
        note = entry.note
        mark = " (internal)" if note.visibility is Visibility.INTERNAL else ""
        mark += "" if entry.ticket_number == at else f" ({ticket_number(entry.ticket_number)})"
        echo(f"{worklog_id(note.number)}  {note.created_at:%Y-%m-%d %H:%M}Z  {note.author}{mark}\n{note.text}\n")
        if entry.has_trimmed_text:
            where = f"{ticket_number(entry.ticket_number)} {worklog_id(note.number)}"
            echo(f"[Trimmed text of the mail: clearline ticket trimmed-text {where}]\n")


@click.command("trimmed-text")
@click.argument("number", type=TICKET)
@click.argument("note", type=NOTE)
@json_option
def ticket_trimmed_text(number: str, note: str, *, as_json: bool) -> None:
    """Show the part of a mail that its note leaves out, such as the quoted mail and the signature."""
    note_number = parse_worklog_id(note)
    if note_number is None:
        raise NotFound("note", note)
    trimmed = transact(lambda tx: merging.trimmed_text(tx, OPERATOR, access.parse_number(number), note_number))
    show(trimmed_text_out(trimmed), trimmed.text, as_json=as_json)
