"""The layout of mail as text and as HTML, in the language of the reader and the look of the desk. The texts are in ``mail/templates``."""

import re
import textwrap
from collections.abc import Sequence
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup, escape

from clearline.branding.mail_look import mail_look
from clearline.language.reader import reader
from clearline.language.words import gettext, ngettext
from clearline.mail.templates.blocks import DigestTickets, Entries, Paragraph, Piece, TicketHeading
from clearline.mail.templates.domain import MARKS, plain, with_values
from clearline.mail.templates.rendering import MailContent, RenderedMail
from clearline.tickets.domain import Channel
from clearline.web.messages.mail import message_in_mail

WIDTH = 76
"""Columns of the text part. RFC 5322, section 2.1.1 recommends at most 78."""

_PREVIEW_MAX = 160
"""Characters of what a list of mails shows after the subject."""

_LAID_OUT = re.compile(r"[ \t>|+]|.*(   |\t)")
"""A line with its own layout: router output, a table, a quotation."""


def wrapped(text: str, indent: int = 0) -> str:
    """Return text with long lines wrapped, and indented by ``indent`` columns.

    Lines with their own layout, and words that are too long, such as links, are not broken.
    """
    lines = []
    for line in text.splitlines():
        if len(line) <= WIDTH - indent or _LAID_OUT.match(line):
            lines.append(line)
        else:
            lines += textwrap.wrap(line, WIDTH - indent, break_long_words=False, break_on_hyphens=False)
    return "\n".join(" " * indent + line if line else "" for line in lines)


_IN_LINK = re.compile(f"{quote(MARKS[0])}([0-9]+){quote(MARKS[1])}", re.IGNORECASE)
"""A value in the address of a link, where its marks are percent-encoded."""
_ONE = re.compile(r"<p[^>]*>((?:(?!<p[ >]).)*)</p>\s*", re.DOTALL)


def paragraph_html(paragraph: Paragraph) -> Markup:
    """Return the HTML of a paragraph: its text is Markdown, and its values, which people wrote, are not."""
    html = str(message_in_mail(paragraph.text, Channel.CONSOLE, mail_look().accent.light))
    if whole := _ONE.fullmatch(html):
        html = whole[1]
    html = _IN_LINK.sub(lambda match: str(escape(quote(paragraph.values[int(match[1])], safe=""))), html)
    return Markup(with_values(html, lambda index: str(escape(paragraph.values[index]))))  # noqa: S704 - cleaned, escaped


_ENVIRONMENT = Environment(
    loader=PackageLoader("clearline.web", "mail"),
    autoescape=select_autoescape(("html",)),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    extensions=["jinja2.ext.i18n"],
)
_ENVIRONMENT.install_gettext_callables(gettext, ngettext, newstyle=True)  # type: ignore[attr-defined]  # of the extension
_ENVIRONMENT.globals |= {"language": lambda: reader().language, "look": mail_look}
_ENVIRONMENT.filters |= {
    "message": message_in_mail,
    "paragraph": paragraph_html,
    "plain": plain,
    "wrapped": wrapped,
}


def render(content: MailContent) -> RenderedMail:
    """Return a mail, with the subject in one line and no runs of empty lines in the text."""
    subject = " ".join(content.subject.split())
    values = {
        "subject": subject,
        "preview": _preview(content.pieces),
        "pieces": content.pieces,
        "footer": content.footer,
    }
    text = re.sub(r"\n{3,}", "\n\n", _ENVIRONMENT.get_template("mail.txt").render(values)).strip() + "\n"
    return RenderedMail(subject, text, _ENVIRONMENT.get_template("mail.html").render(values))


def _preview(pieces: Sequence[Piece]) -> str:
    """Return what a list of mails shows after the subject: what happened, and the first words about it."""
    words = []
    for piece in pieces:
        if isinstance(piece, TicketHeading):
            words.append(piece.headline)
        elif isinstance(piece, Entries):
            words.append(piece.entries[0][2])
        elif isinstance(piece, DigestTickets):
            words += [ticket.title for ticket in piece.tickets[:3]]
        elif isinstance(piece, Paragraph):
            words.append(plain(piece))
    return ". ".join(filter(None, words))[:_PREVIEW_MAX]
