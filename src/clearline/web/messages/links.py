"""Addresses that stand in a text."""

import re

from markupsafe import Markup, escape

ADDRESS = re.compile(
    r"https?://(?:[^\s<>\"'`()|]|\([^\s<>\"'`()|]*\))+"
    r"|mailto:[^\s<>\"'`()|:]+@[^\s<>\"'`()|:]+",
    re.IGNORECASE,
)
SCHEME = re.compile(r"(?<![a-z0-9])(?:https?|mailto)$", re.IGNORECASE)
"""What stands before the colon of an address."""
_AFTER = ".,;:!?*_]}"
_LINK = Markup('<a href="{0}" rel="noopener noreferrer nofollow" hx-boost="false">{0}</a>')


def without_end(address: str) -> str:
    """Return an address without the punctuation behind it; empty when nothing is left but its scheme."""
    address = address.rstrip(_AFTER if "[" not in address else _AFTER.replace("]", ""))
    return address if address.partition(":")[2].strip("/") else ""


def linked(text: str) -> Markup:
    """Return text as HTML in which addresses of pages are links. Nothing else of the text is markup."""
    parts: list[Markup] = []
    at = 0
    for match in ADDRESS.finditer(text):
        address = without_end(match[0])
        if address:
            parts += [escape(text[at : match.start()]), _LINK.format(address)]
            at = match.start() + len(address)
    return Markup("").join([*parts, escape(text[at:])])
