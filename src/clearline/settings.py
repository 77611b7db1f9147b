"""Every setting, once. All come from environment variables whose names begin with ``CLEARLINE_``."""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from email.utils import parseaddr
from ipaddress import ip_network
from pathlib import Path
from typing import Any

PREFIX = "CLEARLINE_"
ATTACHMENT_TYPES = (
    "image/*",
    "text/plain",
    "text/csv",
    "text/markdown",
    "text/xml",
    "application/json",
    "application/xml",
    "application/pdf",
    "application/vnd.tcpdump.pcap",
    "application/x-pcapng",
    "application/zip",
    "application/gzip",
    "application/octet-stream",
    "message/rfc822",
    "application/vnd.ms-outlook",
    "application/msword",
    "application/vnd.ms-excel",
    "application/vnd.ms-powerpoint",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "application/vnd.oasis.opendocument.text",
    "application/vnd.oasis.opendocument.spreadsheet",
    "application/vnd.oasis.opendocument.presentation",
)
_MEDIA_TYPES = re.compile(r"\*|[a-z0-9][a-z0-9!#$&^_.+-]*/(\*|[a-z0-9][a-z0-9!#$&^_.+-]*)")


class InvalidSetting(Exception):
    """A variable is unknown, or its value is not one of those it takes."""


class Bind(str):
    """``host:port``; an IPv6 address stands in brackets. Port 0 takes any free port."""

    __slots__ = ()

    @property
    def host(self) -> str:
        """The address to listen on."""
        return self.rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        """The TCP port to listen on."""
        return int(self.rpartition(":")[2])


def default_data_dir() -> Path:
    """Where data is kept unless a setting says otherwise.

    ``/var/lib/clearline`` for root, whose PostgreSQL runs as another account and must reach it;
    ``$XDG_DATA_HOME/clearline`` or ``~/.local/share/clearline`` for others.
    """
    if os.geteuid() == 0:
        return Path("/var/lib/clearline")
    home = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(home) / "clearline"


def _text(value: str) -> str:
    return value


def _path(value: str) -> Path:
    return Path(value).expanduser().absolute()


def _bind(value: str) -> Bind:
    host, colon, port = value.rpartition(":")
    if not (colon and host and port.isdigit() and int(port) < 65_536):
        raise ValueError("host:port, such as 127.0.0.1:8080 or [::1]:8080")
    return Bind(value)


def _url(value: str) -> str:
    if not value.startswith(("postgresql://", "postgres://")):
        raise ValueError("a PostgreSQL address, such as postgresql://user:password@host/database")
    return value


def _number(least: int, most: int) -> Callable[[str], int]:
    def parse(value: str) -> int:
        if not (value.isascii() and value.isdigit() and least <= int(value) <= most):
            raise ValueError(f"a whole number from {least} to {most}")
        return int(value)

    return parse


def _choice(*choices: str) -> Callable[[str], str]:
    def parse(value: str) -> str:
        if value not in choices:
            raise ValueError("one of " + ", ".join(choices))
        return value

    return parse


def _attachments(value: str) -> str:
    if value != "disk" and not value.startswith("/") and not re.fullmatch("s3://[^/]+(/.*)?", value):
        raise ValueError("disk, an absolute path, or s3://bucket/prefix")
    return value


def _http_url(value: str) -> str:
    if not re.fullmatch(r"https?://[^\s/]+(/\S*)?", value):
        raise ValueError("an address such as https://s3.example.com")
    return value


def _networks(value: str) -> tuple[str, ...]:
    try:
        return tuple(str(ip_network(one.strip())) for one in value.split(",") if one.strip())
    except ValueError as error:
        raise ValueError("networks between commas, such as 10.20.0.0/16") from error


def _smtp(value: str) -> str:
    if not re.fullmatch(r"smtp(s|\+starttls)?://([^\s/@:]+:[^\s/@]*@)?[^\s/@]+(:[0-9]{1,5})?", value):
        raise ValueError("an address such as smtp+starttls://user:password@mail.example.net:587")
    return value


def _mail_address(value: str) -> str:
    name, address = parseaddr(value)
    if not re.fullmatch(r"[^\s@]+@[^\s@]+", address) or "\n" in name:
        raise ValueError("a mail address such as Support <support@example.net>")
    return value


def _mail_listen(value: str) -> str:
    scheme, found, rest = value.partition("://")
    if scheme not in {"lmtp", "smtp"} or not found:
        raise ValueError("an address such as lmtp://127.0.0.1:8024 or smtp://0.0.0.0:25")
    _bind(rest)
    return value


def _media_types(value: str) -> tuple[str, ...]:
    found = tuple(filter(None, (one.strip().lower() for one in value.split(","))))
    if not found or not all(_MEDIA_TYPES.fullmatch(one) for one in found):
        raise ValueError("media types between commas, such as text/plain,image/*, or * for any")
    return found


def _setting(parse: Callable[[str], Any], shown: str, about: str, default: Any) -> Any:
    """A field with how its text is read, how its default is shown, and what it means."""
    metadata = {"parse": parse, "shown": shown, "about": about}
    if callable(default):
        return field(default_factory=default, metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, slots=True)
class Settings:
    """How this Clearline runs. ``docs/reference/settings.md`` is made from here."""

    database_url: str | None = _setting(
        _url,
        "the embedded PostgreSQL",
        "Address of a PostgreSQL 15 or newer, `postgresql://user:password@host/database`. "
        "Without it Clearline runs its own PostgreSQL in the data directory.",
        None,
    )
    data_dir: Path = _setting(
        _path,
        "`/var/lib/clearline` as root, else `~/.local/share/clearline`",
        "Directory of the embedded database and of attachments. Created with mode 0700 (0711 as root) when missing.",
        default_data_dir,
    )
    bind: Bind = _setting(
        _bind, "`127.0.0.1:8080`", "Address and port to serve HTTP on.", lambda: Bind("127.0.0.1:8080")
    )
    processes: int = _setting(_number(1, 64), "`1`", "Server processes that share the port.", 1)
    pool_size: int = _setting(_number(2, 100), "`10`", "Most database connections of one process.", 10)
    rate_limit: int = _setting(
        _number(0, 1_000_000),
        "`6000`",
        "Requests a minute that one API key may make of one process; `0` for no limit. "
        "Counted in memory: two processes together allow twice as many.",
        6000,
    )
    close_resolved_hours: int = _setting(
        _number(0, 8760),
        "`168`",
        "After how many hours a resolved ticket closes by itself unless somebody reopens it; `0` for never.",
        168,
    )
    shutdown_seconds: int = _setting(
        _number(1, 300), "`10`", "How long a stopping server waits for requests under way.", 10
    )
    log_format: str = _setting(
        _choice("auto", "json", "text"),
        "`auto`",
        "`json` for one JSON object a line, `text` for people; `auto` is text on a terminal and JSON elsewhere.",
        "auto",
    )
    log_level: str = _setting(
        _choice("debug", "info", "warning", "error"), "`info`", "The least that is logged.", "info"
    )
    access_log: bool = _setting(
        lambda value: _choice("on", "off")(value) == "on", "`on`", "One log line for each request: `on` or `off`.", True
    )
    attachments: str = _setting(
        _attachments,
        "`disk`",
        "Where attached files are kept: `disk` for `attachments` in the data directory, an absolute path of another "
        "directory, or `s3://bucket/prefix`. Region and keys of S3 come from the usual `AWS_` variables.",
        "disk",
    )
    s3_endpoint: str | None = _setting(
        _http_url, "Amazon's", "Address of an S3-compatible store, such as `https://s3.example.com`.", None
    )
    attachment_max: int = _setting(
        _number(1, 5 * 1024**3), "`26214400` (25 MiB)", "Most bytes of one attached file.", 25 * 1024**2
    )
    attachment_types: tuple[str, ...] = _setting(
        _media_types,
        "images, text, CSV, JSON, XML, PDF, packet captures, archives, mail, office documents, octet-stream",
        "Media types that may be attached, between commas: `text/plain`, `image/*`, or `*` for any.",
        ATTACHMENT_TYPES,
    )
    public_url: str = _setting(
        _http_url,
        "`http://127.0.0.1:8080`",
        "Address at which people and programs reach this server; links in mail begin with it.",
        "http://127.0.0.1:8080",
    )
    workers: bool = _setting(
        lambda value: _choice("on", "off")(value) == "on",
        "`on`",
        "Whether `clearline serve` also does the work that follows from requests: `on`, or `off` where "
        "`clearline work` runs beside it.",
        True,
    )
    webhook_networks: tuple[str, ...] = _setting(
        _networks,
        "none",
        "Private networks that webhooks may be sent to, between commas, such as `10.20.0.0/16,fd00::/8`. Without it "
        "only public addresses over https.",
        (),
    )
    webhook_seconds: int = _setting(
        _number(1, 30), "`15`", "How long the receiver of a webhook may take to answer.", 15
    )
    smtp: str | None = _setting(
        _smtp,
        "none: no mail is sent",
        "Server that mail is sent by: `smtp://host:25`, `smtp+starttls://user:password@host:587` or "
        "`smtps://user:password@host:465`. User and password are percent-encoded.",
        None,
    )
    mail_from: str = _setting(
        _mail_address,
        "`Support <support@localhost>`",
        "Sender of all mail, `Name <address>`. Replies come to its address, with what tells the ticket behind a plus.",
        "Support <support@localhost>",
    )
    mail_listen: str | None = _setting(
        _mail_listen,
        "none: no mail is taken",
        "Where mail is taken: `lmtp://127.0.0.1:8024` behind a mail server of yours, or `smtp://0.0.0.0:25`.",
        None,
    )
    mail_max: int = _setting(
        _number(10_000, 100 * 1024**2), "`26214400` (25 MiB)", "Most bytes of one mail that comes in.", 25 * 1024**2
    )
    secret_key: str | None = _setting(
        _text,
        "a key kept in the database",
        "What passwords of mailboxes are encrypted with. Any long random text; keep it: without it they are lost.",
        None,
    )
    postgres_user: str | None = _setting(
        _text,
        "`clearline`, `postgres` or `nobody`, the first that exists",
        "Only as root: the account that the embedded PostgreSQL runs as. Best one that nothing else runs as.",
        None,
    )


@dataclass(frozen=True, slots=True)
class SettingDoc:
    """One setting as the reference shows it."""

    variable: str
    default: str
    about: str


def documented() -> list[SettingDoc]:
    """Every setting, in the order of the reference."""
    return [
        SettingDoc(PREFIX + one.name.upper(), one.metadata["shown"], one.metadata["about"]) for one in fields(Settings)
    ]


def read_settings(environment: Mapping[str, str]) -> Settings:
    """The settings that an environment asks for; an empty value counts as none.

    Raises:
        InvalidSetting: a ``CLEARLINE_`` variable is unknown, misspelt or has a value it cannot take.
    """
    parsers = {PREFIX + one.name.upper(): (one.name, one.metadata["parse"]) for one in fields(Settings)}
    given: dict[str, Any] = {}
    for variable in sorted(environment):
        if not variable.startswith(PREFIX) or not environment[variable]:
            continue
        if variable not in parsers:
            raise InvalidSetting(f"{variable} is not a setting; there are {', '.join(sorted(parsers))}")
        name, parse = parsers[variable]
        try:
            given[name] = parse(environment[variable])
        except ValueError as error:
            raise InvalidSetting(f"{variable} must be {error}") from error
    return Settings(**given)
