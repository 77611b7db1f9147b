"""Mail domains: domains whose addresses belong to a company, and how that is proven."""

import re
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from msgspec import Struct

from clearline.errors import RuleCode, Violation

NAME_MAX = 253
RECORD_PREFIX = "clearline-verification="
"""The start of the TXT record that proves a domain; the token follows."""
GIVE_UP_AFTER = timedelta(days=7)
"""How long the record of a pending domain is looked for, and how long that of a verified one may be missing."""
CHECK_AGAIN_AFTER = timedelta(seconds=10)
"""The shortest time between two checks of one domain, however often somebody asks for one."""
RECHECK_AFTER, RETRY_AFTER = timedelta(days=1), timedelta(hours=1)
"""When a verified domain is checked again: usually, and after the name servers did not answer."""
_SCHEDULE = (
    (timedelta(hours=1), timedelta(minutes=1)),
    (timedelta(days=1), timedelta(minutes=15)),
    (GIVE_UP_AFTER, timedelta(hours=1)),
)
"""How often a pending domain is checked, by how long it has been waiting."""

PENDING_PAUSE_MAX = max(pause for _until, pause in _SCHEDULE)
"""The longest time until a pending domain is checked again."""

_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_NAME = re.compile(rf"({_LABEL}\.)+{_LABEL}")
_REGISTRY_LABELS = frozenset({"ac", "co", "com", "edu", "go", "gob", "gov", "gv", "mil", "ne", "net", "or", "org"})
"""Second-level labels below which the registries of countries register, such as ``co.uk`` and ``com.au``."""
PUBLIC_MAIL = frozenset({
    "126.com", "139.com", "163.com", "aim.com", "aliyun.com", "aol.com", "att.net", "bellsouth.net", "bigpond.com",
    "bk.ru", "bluewin.ch", "btinternet.com", "charter.net", "comcast.net", "cox.net", "daum.net", "duck.com",
    "email.com", "fastmail.com", "fastmail.fm", "foxmail.com", "free.fr", "freenet.de", "gmail.com", "gmx.at",
    "gmx.ch", "gmx.com", "gmx.de", "gmx.net", "googlemail.com", "hanmail.net", "hey.com", "hotmail.be", "hotmail.ca",
    "hotmail.co.jp", "hotmail.co.uk", "hotmail.com", "hotmail.com.br", "hotmail.de", "hotmail.es", "hotmail.fr",
    "hotmail.it", "hotmail.nl", "hushmail.com", "icloud.com", "inbox.com", "inbox.ru", "interia.pl", "kpnmail.nl",
    "laposte.net", "libero.it", "list.ru", "live.ca", "live.co.uk", "live.com", "live.com.au", "live.de", "live.fr",
    "live.it", "live.nl", "mac.com", "mail.com", "mail.de", "mail.ee", "mail.ru", "mailbox.org", "me.com", "msn.com",
    "naver.com", "ntlworld.com", "o2.pl", "onet.pl", "online.de", "optonline.net", "optusnet.com.au", "orange.fr",
    "outlook.com", "outlook.com.au", "outlook.de", "outlook.es", "outlook.fr", "outlook.it", "outlook.jp", "pm.me",
    "posteo.de", "proton.me", "protonmail.ch", "protonmail.com", "qq.com", "rambler.ru", "rediffmail.com",
    "rocketmail.com", "sbcglobal.net", "seznam.cz", "sfr.fr", "shaw.ca", "sina.cn", "sina.com", "sky.com", "sohu.com",
    "t-online.de", "talktalk.net", "telenet.be", "terra.com.br", "tiscali.it", "tuta.com", "tuta.io", "tutanota.com",
    "tutanota.de", "ukr.net", "uol.com.br", "verizon.net", "virgilio.it", "virginmedia.com", "wanadoo.fr", "web.de",
    "wp.pl", "xs4all.nl", "xtra.co.nz", "ya.ru", "yahoo.ca", "yahoo.co.in", "yahoo.co.jp", "yahoo.co.uk", "yahoo.com",
    "yahoo.com.ar", "yahoo.com.au", "yahoo.com.br", "yahoo.com.hk", "yahoo.com.mx", "yahoo.com.sg", "yahoo.com.tw",
    "yahoo.de", "yahoo.es", "yahoo.fr", "yahoo.in", "yahoo.it", "yandex.com", "yandex.ru", "yeah.net", "ymail.com",
    "ziggo.nl", "zoho.com", "zohomail.com",
})  # fmt: skip
"""Domains of mail services, whose users have nothing to do with each other."""


class DomainState(StrEnum):
    """Whether a domain is known to be the company's."""

    PENDING = "pending"
    """Its record is looked for."""
    VERIFIED = "verified"
    """It is: the addresses in it are confirmed."""
    FAILED = "failed"
    """Its record was not there in time, or it is another company's."""


class Proof(StrEnum):
    """Who says that a domain is the company's."""

    DNS = "dns"
    """A TXT record of the domain."""
    STAFF = "staff"
    """The provider's people, by their word."""


class MailDomain(Struct, frozen=True):
    """A domain that is bound to a company once it is verified. ``name`` is in ASCII and lower case.

    ``waiting_since`` is when the search for the record of a pending domain began, or since when that of a verified one
    is missing. ``due_at`` is when the record is looked for next.
    """

    company_id: UUID
    id: UUID
    name: str
    includes_subdomains: bool
    state: DomainState
    verified_by: Proof | None
    reason: str | None
    token: str
    created_at: datetime
    verified_at: datetime | None = None
    checked_at: datetime | None = None
    waiting_since: datetime | None = None
    due_at: datetime | None = None

    @property
    def record(self) -> str:
        """The text of the TXT record that proves the domain."""
        return RECORD_PREFIX + self.token


def normalized_domain(text: str) -> str | None:
    """Return a domain in the form in which domains are compared: A-labels (RFC 5891) in lower case; None if it is none.

    IP addresses, names without a dot and names with a label that is no host name's are none.
    """
    name = text.strip().removesuffix(".").lower()
    if not name.isascii() or "xn--" in name:
        import idna  # noqa: PLC0415 - slow to import, and most domains need none of it

        try:
            name = idna.encode(name, uts46=True, std3_rules=True).decode("ascii")
        except UnicodeError:
            return None
    is_name = len(name) <= NAME_MAX and _NAME.fullmatch(name) is not None and not name.rpartition(".")[2].isdigit()
    return name if is_name else None


def domain_of_address(address: str) -> str | None:
    """Return the domain of an e-mail address in the form in which domains are compared, or None."""
    return normalized_domain(address.rpartition("@")[2])


def domains_above(name: str) -> list[str]:
    """Return the domain and those that it is a subdomain of, the longest first, without the top-level domain."""
    labels = name.split(".")
    return [".".join(labels[index:]) for index in range(len(labels) - 1)]


def covers(domain: MailDomain, address: str) -> bool:
    """Return whether an address is within a domain."""
    name = domain_of_address(address)
    return name is not None and (name == domain.name or (domain.includes_subdomains and _is_below(name, domain.name)))


def overlap(first: MailDomain, second: MailDomain) -> bool:
    """Return whether two domains have addresses in common."""
    return (
        first.name == second.name
        or (first.includes_subdomains and _is_below(second.name, first.name))
        or (second.includes_subdomains and _is_below(first.name, second.name))
    )


def _is_below(name: str, parent: str) -> bool:
    return name.endswith("." + parent)


def check_domain(text: str, *, allows_public: bool) -> list[Violation]:
    """Return the rules that the name of a domain breaks."""
    name = normalized_domain(text)
    if name is None:
        return [Violation("name", "must be a domain, such as example.com", RuleCode.FORMAT)]
    labels = name.split(".")
    if len(labels) == 2 and len(labels[1]) == 2 and labels[0] in _REGISTRY_LABELS:
        return [Violation("name", "must be a registered domain, such as example.co.uk", RuleCode.CHOICE)]
    if not allows_public and not PUBLIC_MAIL.isdisjoint(domains_above(name)):
        return [Violation("name", "must not be a public mail service: its users belong to nobody", RuleCode.CHOICE)]
    return []


def next_check(waiting_since: datetime, now: datetime) -> datetime | None:
    """Return when a pending domain is checked again; None when it has been waiting for too long."""
    waited = now - waiting_since
    return next((now + pause for until, pause in _SCHEDULE if waited < until), None)
