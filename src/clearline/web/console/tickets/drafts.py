"""The drafts of a ticket's page: what the composer begins with, and the other versions that are offered."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from uuid import UUID

from msgspec import Struct

from clearline.drafts import assignment_usecases as assignments
from clearline.drafts import usecases as drafts
from clearline.drafts.domain import Draft as SavedDraft
from clearline.drafts.domain import Version
from clearline.errors import IdempotencyKeyBusy, InvalidInput
from clearline.platform.database.transactions import Tx
from clearline.platform.idempotency import usecases as idempotency
from clearline.tickets import access
from clearline.tickets.domain import Status, ticket_number
from clearline.tickets.note_domain import Visibility
from clearline.tickets.progress.facts import NO_FACTS, StatusFacts
from clearline.web import once
from clearline.web.console.progress.fields import message_facts_in
from clearline.web.console.views import list_in
from clearline.web.fields import member_in, optional_member_in
from clearline.web.tickets.new_ticket import Refusal
from clearline.web.visit import Form, Visit
from clearline.wires.http.call import Answer

_BASES = {visibility: f"base_{visibility}" for visibility in Visibility}
"""The field that names the draft with which a form began, for each kind of message."""
_GONE = Answer(410, b"", [(b"cache-control", b"no-store")])


class Typed(Struct, frozen=True):
    """What stands in the composer, and why it was not sent.

    ``facts`` go with the status ``then``; ``cc`` are addresses that are not added yet. With a ``notice`` it can be sent
    all the same. Messages after the one with the number ``seen`` are marked as new.
    """

    text: str = ""
    visibility: str = Visibility.PUBLIC
    then: str = ""
    problem: str = ""
    notice: str = ""
    seen: int | None = None
    facts: StatusFacts = NO_FACTS
    refusal: Refusal = Refusal(status=200)
    cc: str = ""


EMPTY = Typed()


class Kind(Struct, frozen=True):
    """What the composer has of one kind of message. ``base`` names the draft that it began with."""

    visibility: Visibility
    text: str = ""
    then: str = ""
    base: str = ""
    saved_at: datetime | None = None


class Composer(Struct, frozen=True):
    """The composer as a page begins with it: what is shown, both kinds of message, and other versions of drafts.

    ``is_chosen`` is whether the person asked for the draft that is shown.
    """

    shown: Typed = EMPTY
    kinds: tuple[Kind, ...] = tuple(map(Kind, Visibility))
    others: list[SavedDraft] = []
    is_chosen: bool = False

    @property
    def saved_at(self) -> datetime | None:
        """When the draft that is shown was saved; None for words that no draft has."""
        return next((kind.saved_at for kind in self.kinds if kind.visibility == self.shown.visibility), None)


def typed_in(form: Form) -> Typed:
    """Return what was typed into the composer, also a status or facts that are refused then."""
    facts = NO_FACTS
    with suppress(InvalidInput):
        facts = message_facts_in(form, optional_member_in(Status, form, "then"))
    return Typed(form.get("text"), form.get("visibility"), form.get("then"), facts=facts, cc=form.get("cc"))


async def read_composer(visit: Visit, tx: Tx, number: int, typed: Typed, *, accepts_notes: bool) -> Composer:
    """Return what the composer begins with: what was typed in a refused form, or else the newest draft.

    The query names another draft in ``draft``; then the page begins with that. All drafts about a ticket that accepts
    no notes are others: they can be read.
    """
    saved = await drafts.list_drafts(tx, visit.actor, number)
    if not accepts_notes:
        return Composer(typed, others=saved)
    if typed is not EMPTY:
        return _typed_again(visit, saved, typed)
    chosen = visit.query.get("draft")
    saved.sort(key=lambda draft: draft.writer != chosen)
    newest = {
        visibility: next((draft for draft in saved if draft.visibility is visibility), None)
        for visibility in Visibility
    }
    kinds = tuple(_kind(visibility, draft) for visibility, draft in newest.items())
    shown = Typed(saved[0].text, saved[0].visibility, saved[0].then or "", facts=saved[0].facts) if saved else EMPTY
    others = [draft for draft in saved if draft not in newest.values()]
    return Composer(shown, kinds, others, is_chosen=bool(saved) and saved[0].writer == chosen)


def _typed_again(visit: Visit, saved: list[SavedDraft], typed: Typed) -> Composer:
    """Return the composer with what was typed; the drafts that the form replaces are those that it had stored."""
    kinds, others = [], []
    writer = visit.form.get(once.FIELD)
    for visibility in Visibility:
        mine = [draft for draft in saved if draft.visibility is visibility]
        base = base_in(visit, visibility)
        current = next((draft for draft in mine if draft.writer == writer or draft.version == base), None)
        if current is None and visibility != typed.visibility and mine:
            current = mine[0]
        kind = _kind(visibility, current)
        if visibility == typed.visibility:
            kind = Kind(visibility, typed.text, typed.then, kind.base)
        kinds.append(kind)
        others += [draft for draft in mine if draft is not current]
    return Composer(typed, tuple(kinds), others)


def _kind(visibility: Visibility, draft: SavedDraft | None) -> Kind:
    if draft is None:
        return Kind(visibility)
    base = f"{draft.writer} {draft.saved_at.isoformat()}"
    return Kind(visibility, draft.text, draft.then or "", base, draft.saved_at)


def base_in(visit: Visit, visibility: Visibility) -> Version | None:
    """Return the draft with which the form of the request began; None for none, or what no page of ours says."""
    writer, _space, saved_at = visit.form.get(_BASES[visibility]).rpartition(" ")
    try:
        at = datetime.fromisoformat(saved_at).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return Version(writer, at) if once.is_key(writer) else None


async def save_draft(visit: Visit) -> Answer:
    """Store what the composer has now; return when, and the other versions. 410 when the form was sent already.

    The first draft of a reply assigns a ticket that has no assignee to its writer: the answer says so, with Undo.

    ``was`` is the form in which the text was typed, when a browser kept it and the page was opened again.
    """
    number, form = access.parse_number(visit.path["number"]), visit.form
    writer = form.get(once.FIELD)
    visibility = member_in(Visibility, form, "visibility")
    async with visit.services.database.transaction() as tx:
        if any([await _was_sent(visit, tx, number, key) for key in {writer, form.get("was")} if once.is_key(key)]):
            return _GONE
        is_assigned = await assignments.begin_draft(
            tx, visit.actor, number, form.get("text"), visibility=visibility, now=visit.now
        )
        await save_typed(visit, tx, number)
        saved = await drafts.list_drafts(tx, visit.actor, number)
    replaced = {draft.writer for draft in saved if draft.version == base_in(visit, draft.visibility)}
    others = [draft for draft in saved if draft.writer not in {writer, *replaced}]
    has_text = any(draft.writer == writer and draft.visibility is visibility for draft in saved)
    return visit.page(
        "console/draft.html",
        saved_at=visit.now if has_text else None,
        others=others,
        number=ticket_number(number),
        is_assigned=is_assigned,
        end=list_in(visit),
    )


async def save_typed(visit: Visit, tx: Tx, number: int) -> None:
    """Store what stands in the composer of the request as its draft."""
    form = visit.form
    visibility, then = member_in(Visibility, form, "visibility"), optional_member_in(Status, form, "then")
    await drafts.save_draft(
        tx,
        visit.actor,
        number,
        form.get("text"),
        visibility=visibility,
        writer=form.get(once.FIELD),
        then=then,
        facts=message_facts_in(form, then),
        base=base_in(visit, visibility),
        now=visit.now,
    )


async def no_more_files(_form: Form) -> UUID | None:
    """Return no company: the form of the composer is sent without its files, which stay chosen."""
    return None


async def discard_draft(visit: Visit, tx: Tx, number: int) -> None:
    """Discard another version of a draft."""
    visibility = member_in(Visibility, visit.form, "visibility")
    await drafts.discard_draft(tx, visit.actor, number, visibility, visit.form.get("writer"))


async def clear_draft(visit: Visit, tx: Tx, number: int, visibility: Visibility) -> None:
    """Delete what the form of the request has stored: it is sent."""
    await drafts.save_draft(
        tx,
        visit.actor,
        number,
        "",
        visibility=visibility,
        writer=visit.form.get(once.FIELD),
        base=base_in(visit, visibility),
        now=visit.now,
    )


def send_route(number: int) -> str:
    """Return the name under which the key of a ticket's composer is kept once it is sent."""
    return f"sendMessage {number}"


async def _was_sent(visit: Visit, tx: Tx, number: int, key: str) -> bool:
    since = visit.now - timedelta(days=visit.services.settings.keep_idempotency_keys_days)
    try:
        return await idempotency.replay(tx, visit.actor, send_route(number), key, b"", since=since) is not None
    except IdempotencyKeyBusy:
        return True
