"""The texts of mail: read, change and restore them, and fill them in."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from clearline.accounts import permissions
from clearline.branding import usecases as branding
from clearline.branding.domain import Branding
from clearline.errors import NotFound, require_valid
from clearline.events import store as event_store
from clearline.events.domain import Change, RecordChanged
from clearline.identity import PROVIDER_ID, Actor, Scope
from clearline.language.languages import LANGUAGES
from clearline.language.reader import Reader, reader
from clearline.language.words import gettext
from clearline.logs import Logger
from clearline.mail.templates import store as template_store
from clearline.mail.templates.blocks import Piece, Value
from clearline.mail.templates.domain import (
    MailTemplate,
    MailText,
    StoredText,
    check_mail_text,
    filled_line,
    pieces,
    tidy,
)
from clearline.mail.templates.kinds import KINDS, MailKind
from clearline.mail.templates.rendering import Footer, MailContent, Render, RenderedMail
from clearline.mail.templates.samples import sample_footer, sample_values
from clearline.mail.templates.shipped import shipped_text
from clearline.platform.database.transactions import Tx

KIND = "mail template"
RECORD = "mail_template"

_log = Logger("clearline.mail")


async def render_mail(
    tx: Tx,
    kind: MailKind,
    values: Mapping[str, Value],
    *,
    footer: Footer,
    is_customer: bool,
    render: Render,
    link: Callable[[str], str],
) -> RenderedMail:
    """Return a mail of a kind in the language of the reader, who is its recipient.

    The text is read in the caller's transaction: a change counts from its commit on, in every process. A stored text
    that this version refuses is not sent: the shipped one is. Mail for customers has the lines of the branding.
    ``link`` makes an address of a path of this server.

    Raises:
        ValueError: ``values`` has none for a placeholder of the kind, which a text that an admin wrote may have.
    """
    if missing := {placeholder.name for placeholder in KINDS[kind].placeholders} - set(values):
        raise ValueError(f"no values for {', '.join(sorted(missing))} of {kind}")
    language = reader().language
    template = _template(kind, language, await template_store.get(tx, kind, language))
    if problems := template.problems:
        rules = "; ".join(f"{problem.field} {problem.rule}" for problem in problems)
        _log.warning("mail template not used: the shipped text is sent", kind=kind, language=language, problems=rules)
    async with branding.mail_for(tx, reader(), link) as stored:
        if is_customer:
            footer = replace(footer, support=_support(stored))
        return _rendered(template.sent, values, footer, render)


def _rendered(text: MailText, values: Mapping[str, Value], footer: Footer, render: Render) -> RenderedMail:
    made: Sequence[Piece] = pieces(text.body, values)
    return render(MailContent(filled_line(text.subject, values), made, footer))


def _support(stored: Branding) -> list[str]:
    """Return what the branding has to say below mail for customers, line by line."""
    lines = []
    if stored.support_hours:
        lines.append(gettext("Support hours: %(hours)s") % {"hours": stored.support_hours})
    if stored.support_phone:
        lines.append(gettext("Support phone: %(phone)s") % {"phone": stored.support_phone})
    return [*lines, *stored.footer.splitlines()]


def _template(kind: MailKind, language: str, stored: StoredText | None) -> MailTemplate:
    return MailTemplate(kind, language, shipped_text(kind, language), stored)


async def list_templates(tx: Tx, actor: Actor, *, after: tuple[int, int] | None, limit: int) -> list[MailTemplate]:
    """Return the texts of every kind in every language, in the order of the kinds, after a place."""
    permissions.require_staff(actor, Scope.DESK_READ)
    listed = await all_templates(tx)
    return [each for each in listed if after is None or place_of(each) > after][:limit]


def place_of(template: MailTemplate) -> tuple[int, int]:
    """Return the place of a text in the list of all: that of its kind, and of its language."""
    return [*MailKind].index(template.kind), [*LANGUAGES].index(template.language)


async def all_templates(tx: Tx) -> list[MailTemplate]:
    """Return the texts of every kind in every language, for whoever may know them."""
    stored = await template_store.all_stored(tx)
    return [_template(kind, language, stored.get((kind, language))) for kind in MailKind for language in LANGUAGES]


def kind_and_language(template_id: str) -> tuple[str, str]:
    """Return the kind and the language in the id of a text.

    Raises:
        NotFound: it has none.
    """
    kind, _, language = template_id.partition(".")
    if not language:
        raise NotFound(KIND, template_id)
    return kind, language


async def get_template(tx: Tx, actor: Actor, kind: str, language: str) -> MailTemplate:
    """Return the text of a kind of mail in a language."""
    permissions.require_staff(actor, Scope.DESK_READ)
    return await _found(tx, kind, language)


async def _found(tx: Tx, kind: str, language: str) -> MailTemplate:
    if kind not in MailKind.__members__.values() or language not in LANGUAGES:
        raise NotFound(KIND, f"{kind}.{language}")
    return _template(MailKind(kind), language, await template_store.get(tx, kind, language))


async def lock_template(tx: Tx, actor: Actor, kind: str, language: str) -> MailTemplate:
    """Lock a text, which the actor is about to change, until the transaction ends."""
    _require_admin(actor)
    await template_store.lock(tx)
    return await _found(tx, kind, language)


def _require_admin(actor: Actor) -> None:
    permissions.require_desk_admin(actor)
    permissions.require_scope(actor, Scope.DESK_WRITE)


async def change_template(
    tx: Tx, actor: Actor, kind: str, language: str, values: Mapping[str, str], *, now: datetime
) -> MailTemplate:
    """Set the subject, the body or both of a text. One that equals the shipped text is not stored.

    The text is based on the present shipped one from then on.
    """
    before = await lock_template(tx, actor, kind, language)
    text = tidy(replace(before.text, **values))
    require_valid(check_mail_text(before.kind, text))
    if text == before.shipped:
        return await _restore(tx, actor, before, now=now)
    stored = StoredText(text, before.shipped.digest, now)
    if text != before.text or before.is_outdated:
        await template_store.save(tx, kind, language, stored)
        await _store_event(tx, actor, before, text, now=now)
    return replace(before, stored=stored)


async def restore_template(tx: Tx, actor: Actor, kind: str, language: str, *, now: datetime) -> MailTemplate:
    """Delete a text that an admin wrote, so that the shipped one is sent again."""
    return await _restore(tx, actor, await lock_template(tx, actor, kind, language), now=now)


async def _restore(tx: Tx, actor: Actor, before: MailTemplate, *, now: datetime) -> MailTemplate:
    if before.stored is not None:
        await template_store.delete(tx, before.kind, before.language)
        await _store_event(tx, actor, before, before.shipped, now=now)
    return replace(before, stored=None)


async def _store_event(tx: Tx, actor: Actor, before: MailTemplate, text: MailText, *, now: datetime) -> None:
    pairs = (("subject", before.text.subject, text.subject), ("body", before.text.body, text.body))
    changes = [Change(field, old, new) for field, old, new in pairs if old != new]
    fact = RecordChanged(RECORD, "changed", before.id, before.name, changes)
    await event_store.append(tx, actor, PROVIDER_ID, fact, now=now)


async def preview_template(
    tx: Tx,
    actor: Actor,
    kind: str,
    language: str,
    values: Mapping[str, str],
    *,
    render: Render,
    link: Callable[[str], str],
) -> RenderedMail:
    """Return a mail with sample values, from the stored text with other ``values`` of its fields; nothing is stored."""
    _require_admin(actor)
    template = await _found(tx, kind, language)
    text = tidy(replace(template.text, **values))
    require_valid(check_mail_text(template.kind, text))
    async with branding.mail_for(tx, Reader(language), link) as stored:
        footer = replace(sample_footer(template.kind), support=_support(stored))
        return _rendered(text, sample_values(template.kind), footer, render)


class BrokenTemplate(Struct, frozen=True):
    """A stored text that is not sent, and why."""

    id: str
    problems: Sequence[str]


async def broken_templates(tx: Tx) -> list[BrokenTemplate]:
    """Return the stored texts that this version refuses, so that the shipped ones are sent."""
    return [
        BrokenTemplate(template.id, [f"{problem.field} {problem.rule}" for problem in template.problems])
        for template in await all_templates(tx)
        if template.problems
    ]
