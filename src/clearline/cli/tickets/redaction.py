"""Commands that remove words and files from tickets for good. Part of ``clearline ticket``."""

import sys
from uuid import UUID

import click

from clearline.cli.context import current_settings, run, transact
from clearline.cli.output import json_option, show, show_list
from clearline.cli.parameters.ids import ID, resolve, resolve_among
from clearline.cli.parameters.numbers import NOTE, TICKET
from clearline.cli.terminal.questions import confirm, yes_option
from clearline.cli.tickets.blobs import writable_blobs
from clearline.clock import now
from clearline.identity import OPERATOR
from clearline.mail.inbound import usecases as inbound_mail
from clearline.mail.outbound import usecases as outbound_mail
from clearline.platform.database.transactions import Database, Tx
from clearline.redaction import usecases as redactions
from clearline.redaction.domain import Place, Preview, Redaction, Target
from clearline.redaction.usecases import Started
from clearline.tables import decode_file
from clearline.tickets import access
from clearline.tickets.attachments import usecases as attachments
from clearline.tickets.attachments.blob_backend import Key
from clearline.wires.house.redaction.mapping import place_of, preview_out, redaction_out
from clearline.wires.house.redaction.wire import PlaceIn

_MOST = 1000
"""How many redactions or files of a ticket are listed."""


@click.command("redact")
@click.argument("number", type=TICKET)
@click.option("--title", "target", flag_value=Target.TITLE.value, help="The words stand in the title.")
@click.option("--description", "target", flag_value=Target.DESCRIPTION.value, help="They stand in the description.")
@click.option("--note", type=NOTE, metavar="WLG...", help="They stand in this note.")
@click.option("--mail", "mail_id", type=ID, metavar="ID", help="They stand in this mail, received or sent.")
@click.option("--file", "file_id", type=ID, metavar="ID", help="Remove this file; no words are read.")
@click.option("--reason", required=True, help="Why, for the history. It must not hold the words.")
@click.option("--dry-run", is_flag=True, help="Show how many places hold the words, and change nothing.")
@yes_option
@json_option
def ticket_redact(
    number: str,
    target: str | None,
    note: str | None,
    mail_id: str | None,
    file_id: str | None,
    reason: str,
    *,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Remove words or a file from a ticket and all its copies. It cannot be undone.

    The words are read from standard input, so that the history of the shell does not keep them. Without an option that
    says where, they may stand anywhere in the ticket: its contact, its tags, its history.
    """
    known = access.parse_number(number)
    place = _place(known, target, note, mail_id, file_id)

    async def look(tx: Tx) -> Preview:
        return await redactions.preview(tx, OPERATOR, known, place)

    if dry_run:
        found = transact(look)
        show(preview_out(found), _sentence(found), as_json=as_json)
        return
    if not yes:
        confirm(f"{_sentence(transact(look))} Remove them for good?", yes=yes)
    settings = current_settings()
    blobs = writable_blobs(settings)

    async def work(database: Database) -> Started:
        async with database.transaction() as tx:
            started = await redactions.redact(
                tx, OPERATOR, known, place, reason=reason, secret_key=settings.secret_key, now=now()
            )
        for content_id in started.content_ids:
            await blobs.delete(Key(started.redaction.company_id, content_id))
        return started

    redaction = run(work).redaction
    text = f"Redacted in {number}; the workers go on with mails, webhooks and what else is kept. Id: {redaction.id}."
    show(redaction_out(redaction), text, as_json=as_json)


def _place(number: int, target: str | None, note: str | None, mail_id: str | None, file_id: str | None) -> Place:
    named = [(Target.NOTE, note), (Target.MAIL, mail_id), (Target.ATTACHMENT, file_id)]
    given = [(kind, value) for kind, value in named if value is not None]
    if len(given) + (target is not None) > 1:
        raise click.UsageError("Give one of --title, --description, --note, --mail and --file.")
    kind, value = given[0] if given else (Target(target or Target.TICKET), None)
    if file_id is not None:
        value = str(transact(lambda tx: _file_typed(tx, number, file_id)))
    elif mail_id is not None:
        value = str(transact(lambda tx: _mail_typed(tx, mail_id)))
    text = None if kind is Target.ATTACHMENT else _words()
    return place_of(PlaceIn(target=kind, id=value, text=text))


async def _file_typed(tx: Tx, number: int, text: str) -> UUID:
    async def ids() -> list[UUID]:
        return [attached.id for attached in await attachments.list_attachments(tx, OPERATOR, number, limit=_MOST)]

    return await resolve_among(text, "attachment", ids)


async def _mail_typed(tx: Tx, text: str) -> UUID:
    async def between(low: UUID, high: UUID) -> list[UUID]:
        received = await inbound_mail.ids_between(tx, OPERATOR, low, high)
        return [*received, *await outbound_mail.ids_between(tx, OPERATOR, low, high)]

    return await resolve(text, "mail", between)


def _words() -> str:
    if sys.stdin.isatty():
        words: str = click.prompt("Words to remove", hide_input=True)
        return words
    return decode_file(sys.stdin.buffer.read()).strip("\r\n")


def _sentence(preview: Preview) -> str:
    return (
        f"{preview.places} places in {len(preview.tickets)} tickets: {preview.texts} texts or files, {preview.mails} "
        f"mails, {preview.others} others."
    )


@click.command("redactions")
@click.argument("number", type=TICKET)
@json_option
def ticket_redactions(number: str, *, as_json: bool) -> None:
    """List what was redacted in a ticket: who, when and why, newest first."""

    async def work(tx: Tx) -> list[Redaction]:
        return await redactions.list_redactions(tx, OPERATOR, access.parse_number(number), limit=_MOST)

    show_list(
        transact(work),
        redaction_out,
        ("ID", "AT", "BY", "WHERE", "PLACES", "REASON", "DONE"),
        lambda redaction: (
            redaction.id,
            redaction.created_at,
            redaction.user_name,
            redaction.target,
            redaction.places,
            redaction.reason,
            redaction.finished_at,
        ),
        noun="redactions",
        as_json=as_json,
    )
