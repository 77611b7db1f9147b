"""Keep what a person writes about a ticket until it is sent. Nobody else sees it, not even an admin."""

from datetime import datetime

from clearline.accounts import permissions
from clearline.drafts import assignment_store
from clearline.drafts import store as draft_store
from clearline.drafts.domain import DRAFTS_MAX, Draft, Version, check_draft
from clearline.errors import Forbidden, require_valid
from clearline.identity import Actor, Scope, User
from clearline.limit_errors import TooManyDrafts
from clearline.platform.database.transactions import Tx
from clearline.text import is_blank
from clearline.tickets import access
from clearline.tickets.attachments import held_store
from clearline.tickets.domain import Status
from clearline.tickets.note_domain import Visibility
from clearline.tickets.progress.facts import NO_FACTS, StatusFacts

_PURGED_AT_ONCE = 1000


async def list_drafts(tx: Tx, actor: Actor, number: int) -> list[Draft]:
    """Return the actor's drafts about a ticket, newest first.

    There is more than one of a kind when it was changed in two places: none replaces words that its writer did not see.
    """
    user = _writer(actor)
    await access.require_ticket(tx, actor, number)
    return await draft_store.of_ticket(tx, user, number)


async def save_draft(
    tx: Tx,
    actor: Actor,
    number: int,
    text: str,
    *,
    visibility: Visibility,
    writer: str,
    then: Status | None = None,
    facts: StatusFacts = NO_FACTS,
    base: Version | None = None,
    now: datetime,
) -> None:
    """Store what a form has now. A blank text deletes its draft.

    ``writer`` names the form. ``base`` is the draft that it began with: it is replaced, unless it was changed in
    another place since; then both are kept, unless their words are the same.

    Raises:
        TooManyDrafts: the person has ``DRAFTS_MAX``. Concurrent requests may store some more.
    """
    user = _writer(actor)
    require_valid(check_draft(writer, text, facts))
    await access.require_ticket(tx, actor, number)
    if base is not None:
        await draft_store.delete_version(tx, user, number, visibility, base)
    if not text or is_blank(text):
        await draft_store.delete(tx, user, number, visibility, writer)
        return
    draft = Draft(visibility, writer, text, then, now, facts)
    await draft_store.save(tx, user, number, draft)
    await draft_store.delete_same(tx, user, number, draft)
    if await draft_store.count(tx, user) > DRAFTS_MAX:
        raise TooManyDrafts(DRAFTS_MAX)


async def discard_draft(tx: Tx, actor: Actor, number: int, visibility: Visibility, writer: str) -> None:
    """Delete a draft of the actor, if it is there."""
    user = _writer(actor)
    require_valid(check_draft(writer, ""))
    await access.require_ticket(tx, actor, number)
    await draft_store.delete(tx, user, number, visibility, writer)


async def purge(tx: Tx, *, before: datetime) -> int:
    """Delete a batch of the drafts, files in composers and undone assignments from before a time; return how many."""
    files = await held_store.purge(tx, before=before, limit=_PURGED_AT_ONCE)
    undone = await assignment_store.purge(tx, before=before, limit=_PURGED_AT_ONCE)
    return files + undone + await draft_store.purge(tx, before=before, limit=_PURGED_AT_ONCE)


def _writer(actor: Actor) -> User:
    """Return the person whose drafts they are."""
    permissions.require_staff(actor, Scope.TICKETS_WRITE)
    if actor.user is None:
        raise Forbidden("only people have drafts")
    return actor.user
