"""Redact words or a file: at once in the ticket, and step by step in everything else that is kept."""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from msgspec import Struct

from clearline.accounts import permissions
from clearline.clock import CLOCK_SECONDS
from clearline.drafts import redaction_store as draft_store
from clearline.errors import InvalidInput, NotFound, RuleCode, Violation, require_found, require_valid
from clearline.events import redaction_store as event_store
from clearline.events.domain import TicketRedacted
from clearline.events.store import actor_id
from clearline.feedback import redaction_store as feedback_store
from clearline.identity import Actor, Scope
from clearline.mail.inbound.secret_box import SecretBox
from clearline.mail.redaction import usecases as mails
from clearline.notifications import store as notification_store
from clearline.platform.database.server import shared_secret
from clearline.platform.database.transactions import Tx
from clearline.redaction import steps
from clearline.redaction import store as redaction_store
from clearline.redaction.domain import (
    KIND,
    SETTLE,
    Place,
    Preview,
    Redaction,
    Secret,
    Step,
    Target,
    check_reason,
    check_words,
    encode_secret,
    redactor_of,
)
from clearline.redactor import Redactor
from clearline.search import index_store as search_store
from clearline.search import index_usecases as search
from clearline.tickets import access
from clearline.tickets.attachments import redaction_store as file_store
from clearline.tickets.attachments import store as attachment_store
from clearline.tickets.domain import Ticket
from clearline.tickets.links import merge_store
from clearline.tickets.note_domain import Visibility, worklog_id
from clearline.tickets.redaction import store as ticket_redaction
from clearline.tickets.redaction.store import RedactedTexts

_PREVIEW_PAGES = 40
"""The most pages of each kind that a preview looks at."""


class Started(Struct, frozen=True):
    """A redaction that has begun. The caller deletes the contents after the commit; the work makes sure of it."""

    redaction: Redaction
    content_ids: tuple[UUID, ...]


class _Request(Struct, frozen=True):
    """A valid request: the tickets where the words may be, and what is removed."""

    company_id: UUID
    numbers: list[int]
    secret: Secret
    redactor: Redactor


async def secret_box(tx: Tx, secret_key: str | None) -> SecretBox:
    """Return the encryption of the words: with the configured key, or one that all servers on this database share."""
    if secret_key is not None:
        return SecretBox(secret_key.encode())
    return SecretBox(await shared_secret(tx, "redactions", secrets.token_bytes(32)))


async def redact(
    tx: Tx, actor: Actor, number: int, place: Place, *, reason: str, secret_key: str | None, now: datetime
) -> Started:
    """Remove words from a ticket and all its copies, or a file; what is not the ticket's own row follows in steps.

    Raises:
        NotFound: no such ticket, note, mail or file for this actor.
        Forbidden: the actor is no staff, or its key may not redact.
        InvalidInput: the words are too short, do not stand there, or stand in the reason.
    """
    request = await _read(tx, actor, number, place)
    require_valid(check_reason(reason, Redactor(request.secret.words)))
    redaction_id = uuid4()
    texts, content_ids = await _redact_ticket(tx, actor, request, place, now=now)
    places = texts.total + await redact_beside(tx, request.company_id, request.numbers, request.redactor, saves=True)
    if not texts.numbers:
        texts.add(number, is_public=False)
    await _store_events(tx, actor, request, place, texts, redaction_id, now=now)
    redaction = Redaction(
        request.company_id, number, redaction_id, place.target, place.target_id, reason.strip(), actor_id(actor),
        actor.name, now, tuple(request.numbers), places,
    )  # fmt: skip
    box = await secret_box(tx, secret_key)
    sealed = box.encrypt(encode_secret(request.secret).decode())
    await redaction_store.insert(tx, redaction, content_ids=content_ids, sealed=sealed, step=Step.INBOUND_MAIL)
    await reindex(tx, request.company_id, request.numbers)
    return Started(redaction, tuple(content_ids))


async def preview(tx: Tx, actor: Actor, number: int, place: Place) -> Preview:
    """Return what ``redact`` would rewrite, as far as it is found quickly. Changes nothing.

    Raises:
        As ``redact``.
    """
    request = await _read(tx, actor, number, place)
    texts = RedactedTexts()
    if place.target is Target.ATTACHMENT:
        for file in await file_store.copies(tx, request.company_id, request.numbers, request.secret.files[0]):
            texts.add(file.ticket_number, is_public=file.visibility is Visibility.PUBLIC)
        others = await file_store.count_held(tx, request.company_id, request.numbers, request.secret.files[0])
    else:
        await redact_texts(tx, request.company_id, request.numbers, request.redactor, texts, saves=False)
        others = await redact_beside(tx, request.company_id, request.numbers, request.redactor, saves=False)
    scope = await steps.scope_of(tx, request.company_id, request.numbers, request.secret)
    in_mails = 0
    for step in (step for step in Step if step in steps.PAGES):
        count = await _count(tx, step, scope, request.redactor)
        if step in steps.MAIL_STEPS:
            in_mails += count
        else:
            others += count
    return Preview(tuple(texts.numbers), texts.total, in_mails, others)


async def _count(tx: Tx, step: Step, scope: mails.MailScope, redactor: Redactor) -> int:
    count, after = 0, None
    for _page in range(_PREVIEW_PAGES):
        page = await steps.PAGES[step](tx, steps.Look(scope, redactor, after, saves=False))
        count, after = count + page.places, page.after
        if after is None:
            break
    return count


async def list_redactions(
    tx: Tx, actor: Actor, number: int, *, after: tuple[datetime, UUID] | None = None, limit: int
) -> list[Redaction]:
    """Return the redactions of a ticket before a time and an id, newest first. For the provider's people.

    Raises:
        NotFound: no such ticket.
    """
    permissions.require_staff(actor, Scope.TICKETS_READ)
    company_id = await access.require_ticket(tx, actor, number)
    return await redaction_store.of_ticket(tx, company_id, number, after=after, limit=limit)


async def get_redaction(tx: Tx, actor: Actor, number: int, redaction_id: UUID) -> Redaction:
    """Return a redaction of a ticket. For the provider's people.

    Raises:
        NotFound: no such ticket or redaction.
    """
    permissions.require_staff(actor, Scope.TICKETS_READ)
    company_id = await access.require_ticket(tx, actor, number)
    return require_found(await redaction_store.get(tx, company_id, number, redaction_id), KIND, redaction_id)


async def _read(tx: Tx, actor: Actor, number: int, place: Place) -> _Request:
    """Check a request, and lock the tickets that it is about until the transaction ends."""
    permissions.require_staff(actor, Scope.TICKETS_REDACT)
    company_id = await access.require_ticket(tx, actor, number)
    numbers = await ticket_redaction.family(tx, company_id, number)
    await ticket_redaction.lock(tx, company_id, numbers)
    if place.target is Target.ATTACHMENT:
        secret = await _file(tx, company_id, number, place)
    else:
        ticket = await access.lock_ticket(tx, actor, number)
        secret = await _words(tx, ticket, numbers, place)
    return _Request(company_id, numbers, secret, await redactor_for(tx, secret.words))


async def redactor_for(tx: Tx, words: Sequence[str]) -> Redactor:
    """Return what redacts words, and leaves keys of the catalogue as they are."""
    return redactor_of(words, await ticket_redaction.fields_of_keys(tx))


async def _file(tx: Tx, company_id: UUID, number: int, place: Place) -> Secret:
    stored = None if place.id is None else await attachment_store.get(tx, company_id, number, place.id)
    attachment = require_found(stored, "attachment", place.id or "")
    words = () if check_words(attachment.name) else (attachment.name,)
    return Secret(words, (attachment.sha256,))


async def _words(tx: Tx, ticket: Ticket, numbers: Sequence[int], place: Place) -> Secret:
    """Return the words, which must stand in the target."""
    texts: list[str] | None = None
    match place.target:
        case Target.TITLE:
            texts = [ticket.title]
        case Target.DESCRIPTION:
            texts = [ticket.description]
        case Target.NOTE:
            note = place.note or 0
            texts = await ticket_redaction.note_texts(tx, ticket.company_id, numbers, note)
            if texts is None:
                raise NotFound("note", worklog_id(note))
        case _ if place.text is None:
            raise InvalidInput([Violation("text", "is required", RuleCode.REQUIRED)])
        case _:
            pass
    words = place.text
    if words is None and texts is not None:
        start, length = place.start or 0, place.length or 0
        words = texts[0][start : start + length]
    words = (words or "").strip()
    require_valid(check_words(words))
    redactor = await redactor_for(tx, [words])
    holds: bool | None
    if place.target is Target.TICKET:
        holds = await _stands_in_ticket(tx, ticket.company_id, numbers, redactor)
    elif texts is None:
        mail_id = place.id or UUID(int=0)
        holds = await mails.mail_holds(tx, ticket.company_id, numbers, mail_id, redactor)
        require_found(holds, "mail", mail_id)
    else:
        holds = any(redactor.holds(text) for text in texts)
    if not holds:
        raise InvalidInput([Violation("text", "must stand there word by word", RuleCode.REFERENCE)])
    return Secret((words,))


async def _stands_in_ticket(tx: Tx, company_id: UUID, numbers: Sequence[int], redactor: Redactor) -> bool:
    texts = RedactedTexts()
    await redact_texts(tx, company_id, numbers, redactor, texts, saves=False)
    return texts.total > 0 or await redact_beside(tx, company_id, numbers, redactor, saves=False) > 0


async def _redact_ticket(
    tx: Tx, actor: Actor, request: _Request, place: Place, *, now: datetime
) -> tuple[RedactedTexts, list[UUID]]:
    """Rewrite the tickets, or remove the file and its copies; return the texts, and the contents to delete."""
    texts = RedactedTexts()
    if place.target is not Target.ATTACHMENT:
        await redact_texts(tx, request.company_id, request.numbers, request.redactor, texts, saves=True)
        return texts, []
    sha256 = request.secret.files[0]
    content_ids = await file_store.delete_held(tx, request.company_id, request.numbers, sha256)
    for file in await file_store.copies(tx, request.company_id, request.numbers, sha256):
        await attachment_store.delete(tx, actor, file, now=now)
        texts.add(file.ticket_number, is_public=file.visibility is Visibility.PUBLIC)
        content_ids.append(file.id)
    return texts, content_ids


async def redact_texts(
    tx: Tx, company_id: UUID, numbers: Sequence[int], redactor: Redactor, texts: RedactedTexts, *, saves: bool
) -> None:
    """Count what people read in tickets: values, notes, names of files. With ``saves`` rewrite it."""
    await ticket_redaction.redact_texts(tx, company_id, numbers, redactor, texts, saves=saves)
    await file_store.redact_names(tx, company_id, numbers, redactor, texts, saves=saves)


async def redact_beside(tx: Tx, company_id: UUID, numbers: Sequence[int], redactor: Redactor, *, saves: bool) -> int:
    """Count what is kept beside tickets: events, drafts, notifications, feedback. With ``saves`` rewrite it."""
    count = 0
    for store in (event_store, draft_store, notification_store, feedback_store):
        count += await store.redact(tx, company_id, numbers, redactor, saves=saves)
    return count


async def _store_events(
    tx: Tx,
    actor: Actor,
    request: _Request,
    place: Place,
    texts: RedactedTexts,
    redaction_id: UUID,
    *,
    now: datetime,
) -> None:
    """Store in each ticket that something was removed, and give those that show it a new version."""
    for number in texts.numbers:
        is_public = number in texts.public
        fact = TicketRedacted(
            str(redaction_id),
            place.target,
            Visibility.PUBLIC if is_public else Visibility.INTERNAL,
            (texts.public if is_public else texts.internal)[number],
        )
        await ticket_redaction.append_redacted(tx, actor, request.company_id, number, fact, now=now)
    keys = [(request.company_id, number) for number in texts.numbers]
    await merge_store.touch_targets(tx, keys, is_visible=bool(texts.public), now=now)


async def reindex(tx: Tx, company_id: UUID, numbers: Sequence[int]) -> None:
    """Make the index of the search from what tickets say now."""
    await search_store.wait_for_consumer(tx)
    await search.index_tickets(tx, [(company_id, number) for number in numbers])


async def shorten_waits(tx: Tx, *, now: datetime) -> int:
    """Do at once what would wait for as long as a clock was ahead; return how much there is."""
    longest = now + max(SETTLE, timedelta(hours=1)) + timedelta(seconds=CLOCK_SECONDS)
    return await redaction_store.shorten_waits(tx, longest=longest, now=now)


async def tickets_of(tx: Tx, company_id: UUID, number: int, known: Sequence[int]) -> list[int]:
    """Return the tickets that the work looks at: those of the beginning, and what was split off or merged since."""
    return sorted({*known, *await ticket_redaction.family(tx, company_id, number)})
