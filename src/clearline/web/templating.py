"""Templates of the pages: one environment, with their words and filters."""

import re
from datetime import datetime
from urllib.parse import urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined

from clearline.identity import Company
from clearline.tickets.domain import ticket_number
from clearline.web import assets, looks
from clearline.web.messages.links import linked
from clearline.web.messages.rendering import message
from clearline.web.words import TRANSLATIONS, full_time, number, short_time
from clearline.workspace.column_domain import DEFAULT_COLUMNS

_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def ago(then: datetime, now: datetime) -> str:
    """Return how long ago a time was, in one unit: ``now``, ``42m``, ``3h``, ``5d``."""
    seconds = int((now - then).total_seconds())
    if seconds < _MINUTE:
        return "now"
    if seconds < _HOUR:
        return f"{seconds // _MINUTE}m"
    return f"{seconds // _HOUR}h" if seconds < _DAY else f"{seconds // _DAY}d"


def file_size(size: int) -> str:
    """Return a number of bytes as people read it: ``12 KB``."""
    value = float(size)
    for unit in ("B", "KB", "MB"):
        if value < 1000:
            return f"{value:.0f} {unit}"
        value /= 1000
    return f"{value:.1f} GB"


def initials(name: str) -> str:
    """Return the first letters of the first and the last word of a name."""
    letters = [word[0] for word in re.split(r"[^\w]+", name) if word]
    return (letters[0] + letters[-1] if len(letters) > 1 else "".join(letters)[:2]).upper() or "?"


def hue(name: str) -> int:
    """Return which of the six colours the avatar of a name has."""
    return sum(name.encode()) % 6


def sentence(text: str) -> str:
    """Return the text of a refusal as a sentence."""
    text = text.strip()
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")


def company_path(company: Company) -> str:
    """Return the address of the page of a customer."""
    return f"/console/companies/{company.id}"


def service_path(company: Company, service_id: str) -> str:
    """Return the address of the page of a service of a customer."""
    return f"{company_path(company)}/service?{urlencode({'id': service_id})}"


ENVIRONMENT = Environment(
    loader=PackageLoader("clearline.web"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    extensions=["jinja2.ext.i18n"],
)
ENVIRONMENT.install_gettext_translations(TRANSLATIONS, newstyle=True)  # type: ignore[attr-defined]  # of the extension
ENVIRONMENT.globals |= {
    "asset": assets.address,
    "channels": looks.CHANNELS,
    "column_looks": looks.COLUMN_LOOKS,
    "company_path": company_path,
    "default_columns": DEFAULT_COLUMNS,
    "impacts": looks.IMPACTS,
    "leading_columns": looks.LEADING,
    "link_words": looks.LINKS,
    "priorities": looks.PRIORITIES,
    "service_path": service_path,
    "severities": looks.SEVERITIES,
    "statuses": looks.STATUSES,
    "tracks": looks.tracks,
}
ENVIRONMENT.filters |= {
    "ago": ago,
    "file_size": file_size,
    "full_time": full_time,
    "hue": hue,
    "initials": initials,
    "linked": linked,
    "message": message,
    "number": number,
    "sentence": sentence,
    "short_time": short_time,
    "ticket_number": ticket_number,
}


def render(template: str, **values: object) -> str:
    """Return a page or a part of one."""
    return ENVIRONMENT.get_template(template).render(**values)
