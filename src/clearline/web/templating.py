"""Templates of the pages: one environment, with their words and filters."""

import re
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from jinja2.runtime import Context
from markupsafe import Markup

from clearline.branding.logo_domain import logo_path
from clearline.identity import Company
from clearline.inventory.facts_domain import rate_text
from clearline.language.reader import reader
from clearline.language.times import zone_name
from clearline.tickets.contacts.words import ROLES as PERSON_ROLES
from clearline.tickets.domain import ticket_number
from clearline.tickets.faults import words as fault_words
from clearline.tickets.faults.domain import NO_FAULT
from clearline.web import assets, looks
from clearline.web.branding import stylesheet
from clearline.web.branding.brand import brand
from clearline.web.messages.links import linked
from clearline.web.messages.rendering import message
from clearline.web.tickets import case_words
from clearline.web.tickets.reminder_words import REMINDER_WAITS
from clearline.web.tickets.terms import CLOSURE_LABELS, fact_value, offered_terms, term_name
from clearline.web.tickets.tier_names import tier_name
from clearline.web.tickets.type_names import entry_help, entry_name, issue_choices, issue_name, service_name
from clearline.web.words import brief_time, full_time, gettext, local_input, ngettext, number, short_time
from clearline.workspace.column_domain import DEFAULT_COLUMNS

_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def ago(then: datetime, now: datetime) -> str:
    """Return how long ago a time was, in one unit: ``now``, ``42m``, ``3h``, ``5d``."""
    seconds = int((now - then).total_seconds())
    if seconds < _MINUTE:
        return gettext("now")
    if seconds < _HOUR:
        return _counted(seconds // _MINUTE, ngettext("%(num)sm", "%(num)sm", seconds // _MINUTE))
    if seconds < _DAY:
        return _counted(seconds // _HOUR, ngettext("%(num)sh", "%(num)sh", seconds // _HOUR))
    return _counted(seconds // _DAY, ngettext("%(num)sd", "%(num)sd", seconds // _DAY))


def _counted(count: int, text: str) -> str:
    return text % {"num": count}


def file_size(size: int) -> str:
    """Return a number of bytes as people read it: ``12 KB``."""
    value = float(size)
    for unit in ("B", "KB", "MB"):
        if value < 1000:
            return f"{number(round(value))} {unit}"
        value /= 1000
    return f"{number(round(value, 1))} GB"


def bit_rate(rate: int) -> str:
    """Return a rate in bit/s as people read it: ``2.5 Gbit/s``."""
    text = rate_text(rate)
    amount, unit = (text[:-1], text[-1]) if text[-1].isalpha() else (text, "")
    whole, _point, decimals = amount.partition(".")
    return f"{number(float(amount) if decimals else int(whole))} {unit}bit/s"


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


def portal_service_path(service_id: str) -> str:
    """Return the address of the page of a service for its customer."""
    return f"/portal/service?{urlencode({'id': service_id})}"


_REMEMBERED = 4096
"""How many results of a macro or of a translation are kept: far more than there are icons, words and people."""


def remembered(macro: Callable[..., str]) -> Callable[..., str]:
    """Return a macro that keeps its results by language and arguments. For small ones that depend on nothing else."""

    @lru_cache(_REMEMBERED, typed=True)  # a text and the same text as markup differ
    def kept(_language: str, *values: Any, **named: Any) -> str:
        return macro(*values, **named)

    return lambda *values, **named: kept(reader().language, *values, **named)


@lru_cache(_REMEMBERED)
def _words(text: str, _language: str) -> Markup:
    return Markup(gettext(text)) % {}  # noqa: S704 - the text of a template


def translated(text: str, **values: object) -> Markup:
    """Return a text of a template in the reader's language, with values that are escaped."""
    return Markup(gettext(text)) % values if values else _words(text, reader().language)  # noqa: S704 - the text of a template


class PageContext(Context):
    """The names that a template knows. Calls of functions and macros that take no context cost little."""

    def call(self, function: Callable[..., Any], *values: Any, **named: Any) -> Any:
        """Call a function or a macro."""
        if hasattr(function, "jinja_pass_arg"):
            return super().call(function, *values, **named)
        named.pop("_block_vars", None)
        named.pop("_loop_vars", None)
        return function(*values, **named)


ENVIRONMENT = Environment(
    loader=PackageLoader("clearline.web"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    extensions=["jinja2.ext.i18n"],
)
ENVIRONMENT.install_gettext_callables(gettext, ngettext, newstyle=True)  # type: ignore[attr-defined]  # of the extension
ENVIRONMENT.context_class = PageContext
ENVIRONMENT.globals |= {
    "_": translated,
    "accent": stylesheet.address,
    "asset": assets.address,
    "brand": brand,
    "channels": looks.CHANNELS,
    "case_kinds": case_words.KINDS,
    "case_states": case_words.STATES,
    "closure_labels": CLOSURE_LABELS,
    "column_looks": looks.COLUMN_LOOKS,
    "company_path": company_path,
    "customer_statuses": looks.CUSTOMER_STATUSES,
    "default_columns": DEFAULT_COLUMNS,
    "fact_value": fact_value,
    "fault_labels": fault_words.LABELS,
    "fault_limits": fault_words.LIMITS,
    "fault_words": fault_words.WORDS,
    "no_fault": NO_FAULT,
    "gettext": translated,
    "impacts": looks.IMPACTS,
    "issue_choices": issue_choices,
    "leading_columns": looks.LEADING,
    "language": lambda: reader().language,
    "time_zone": lambda: reader().zone.key,
    "link_words": looks.LINKS,
    "offered_terms": offered_terms,
    "person_roles": PERSON_ROLES,
    "logo_path": logo_path,
    "portal_service_path": portal_service_path,
    "priorities": looks.PRIORITIES,
    "remembered": remembered,
    "reminder_waits": REMINDER_WAITS,
    "service_path": service_path,
    "service_states": looks.SERVICE_STATES,
    "severities": looks.SEVERITIES,
    "statuses": looks.STATUSES,
    "term_name": term_name,
    "tracks": looks.tracks,
}
ENVIRONMENT.filters |= {
    "tier_name": tier_name,
    "ago": ago,
    "entry_help": entry_help,
    "entry_name": entry_name,
    "bit_rate": bit_rate,
    "file_size": file_size,
    "brief_time": brief_time,
    "full_time": full_time,
    "has_any": lambda form, names: any(form.get(name) for name in names),
    "hue": hue,
    "initials": initials,
    "issue_name": issue_name,
    "linked": linked,
    "local_input": local_input,
    "message": message,
    "number": number,
    "sentence": sentence,
    "service_name": service_name,
    "short_time": short_time,
    "ticket_number": ticket_number,
    "translated_items": lambda words: [(value, translated(word)) for value, word in words.items()],
    "zone_name": lambda at: zone_name(at.astimezone(reader().zone)),
}


def render(template: str, **values: object) -> str:
    """Return a page or a part of one."""
    return ENVIRONMENT.get_template(template).render(**values)
