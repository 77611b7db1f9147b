"""The texts of mail that are shipped: a file for each kind and language, beside this one.

The first line of a file is the subject; the body follows after an empty line.
"""

from functools import cache
from importlib.resources import files

from clearline.mail.templates.domain import MailText
from clearline.mail.templates.kinds import MailKind


@cache
def shipped_text(kind: MailKind, language: str) -> MailText:
    """Return the shipped text of a kind of mail in a language."""
    source = files("clearline.mail.templates").joinpath("shipped", language, f"{kind}.md")
    subject, _, body = source.read_text(encoding="utf-8").partition("\n")
    return MailText(subject, body.strip("\n"))
