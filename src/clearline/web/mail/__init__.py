"""The templates of mail: a text and an HTML template for each kind, beside this file.

``<name>.txt`` extends ``base.txt`` or ``ticket.txt`` and fills the blocks ``subject`` (one line) and ``body``;
``<name>.html`` extends ``base.html`` or ``ticket.html``. Both get the same values, and are in the reader's language and
the look of the desk. See ``base.html`` for its values.
"""

import re
import textwrap

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from clearline.branding.mail_look import mail_look
from clearline.language.reader import reader
from clearline.language.words import first_upper, gettext, ngettext
from clearline.mail.outbound.domain import RenderedMail
from clearline.web.messages.mail import message_in_mail

WIDTH = 76
"""Columns of the text part. RFC 5322, section 2.1.1 recommends at most 78."""

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
_ENVIRONMENT.filters |= {"first_upper": first_upper, "message": message_in_mail, "wrapped": wrapped}


def render(name: str, **values: object) -> RenderedMail:
    """Return a mail rendered from the templates ``name``, with the subject in one line and no runs of empty lines.

    Raises:
        jinja2.UndefinedError: a value is missing.
        jinja2.TemplateNotFound: there are no such templates.
    """
    text = _ENVIRONMENT.get_template(f"{name}.txt")
    subject = "".join(text.blocks["subject"](text.new_context(values)))
    body = re.sub(r"\n{3,}", "\n\n", text.render(values)).strip() + "\n"
    html = _ENVIRONMENT.get_template(f"{name}.html").render(values)
    return RenderedMail(" ".join(subject.split()), body, html)
