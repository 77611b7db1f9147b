"""How the text of a setting is read (each function raises ValueError with what is allowed), and the fields of them."""

import re
from collections.abc import Callable
from dataclasses import field
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

RETENTION_MAX = 3650
"""Days; what should stay longer has to be copied elsewhere."""
SECRET_MIN = 32
"""Characters of a secret."""
_MAIL_SERVER = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,252}[A-Za-z0-9])?")
_SWITCHES = {"on", "off", "true", "false", "yes", "no", "1", "0"}
_MEDIA_TYPES = re.compile(r"\*|[a-z0-9][a-z0-9!#$&^_.+-]*/(\*|[a-z0-9][a-z0-9!#$&^_.+-]*)")


class Bind(str):
    """``host:port``; an IPv6 address is in brackets. Port 0 takes any free port."""

    __slots__ = ()

    @property
    def host(self) -> str:
        """The address to listen on."""
        return self.rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        """The TCP port to listen on."""
        return int(self.rpartition(":")[2])

    @property
    def url(self) -> str:
        """The address at which programs on this machine reach it."""
        host = "127.0.0.1" if self.host in {"0.0.0.0", "::"} else self.host  # noqa: S104 - compared, not bound
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"


def text(value: str) -> str:
    """Take any text."""
    return value


def path(value: str) -> Path:
    """Return the absolute path; ``~`` is the home directory."""
    return Path(value).expanduser().absolute()


def mail_server(value: str) -> str | None:
    """Return the name of a mail server in ``Authentication-Results`` (RFC 8601, section 2.5), in lower case.

    None for ``off``.
    """
    if value == "off":
        return None
    if not _MAIL_SERVER.fullmatch(value) or value.lower() in _SWITCHES:
        raise ValueError("off, or the name of your mail server in Authentication-Results, such as mx.example.net")
    return value.lower()


def bind(value: str) -> Bind:
    """Return ``host:port``."""
    host, colon, port = value.rpartition(":")
    if not (colon and host and port.isdigit() and int(port) < 65_536):
        raise ValueError("host:port, such as 127.0.0.1:8080 or [::1]:8080")
    return Bind(value)


def url(value: str) -> str:
    """Check the address of a PostgreSQL database."""
    if not value.startswith(("postgresql://", "postgres://")):
        raise ValueError("a PostgreSQL address, such as postgresql://user:password@host/database")
    return value


def number(least: int, most: int) -> Callable[[str], int]:
    """Return a reader of whole numbers from ``least`` to ``most``."""

    def parse(value: str) -> int:
        if not (value.isascii() and value.isdigit() and least <= int(value) <= most):
            raise ValueError(f"a whole number from {least} to {most}")
        return int(value)

    return parse


def choice(*choices: str) -> Callable[[str], str]:
    """Return a reader of one of these words."""

    def parse(value: str) -> str:
        if value not in choices:
            raise ValueError("one of " + ", ".join(choices))
        return value

    return parse


def on_or_off(value: str) -> bool:
    """Return whether the value is ``on``; it is ``off`` otherwise."""
    return choice("on", "off")(value) == "on"


def attachments(value: str) -> str:
    """Check where attached files are kept."""
    if value != "disk" and not value.startswith("/") and not re.fullmatch("s3://[^/]+(/.*)?", value):
        raise ValueError("disk, an absolute path, or s3://bucket/prefix")
    return value


def http_url(value: str) -> str:
    """Check an http or https address."""
    if not re.fullmatch(r"https?://[^\s/]+(/\S*)?", value):
        raise ValueError("an address such as https://s3.example.com")
    return value


def networks(value: str) -> tuple[str, ...]:
    """Return IP networks, which are separated by commas."""
    try:
        return tuple(str(ip_network(network.strip())) for network in value.split(",") if network.strip())
    except ValueError as error:
        raise ValueError("networks between commas, such as 10.20.0.0/16") from error


def smtp(value: str) -> str:
    """Check the address of a mail server. Without TLS a password is sent to this machine only."""
    match = re.fullmatch(r"smtp(s|\+starttls)?://([^\s/@:]+:[^\s/@]*@)?([^\s/@]+?)(:[0-9]{1,5})?", value)
    if match is None:
        raise ValueError("an address such as smtp+starttls://user:password@mail.example.net:587")
    if match[1] is None and match[2] is not None and not is_loopback(match[3]):
        raise ValueError("smtp+starttls:// or smtps:// with a password: smtp:// would send it without TLS")
    return value


def is_loopback(host: str) -> bool:
    """Return whether only this machine reaches an address."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def secret(value: str) -> str:
    """Take a secret that is long enough not to be guessed."""
    if len(value) < SECRET_MIN:
        raise ValueError(f"a secret of at least {SECRET_MIN} characters, such as `openssl rand -base64 32` prints")
    return value


def mail_address(value: str) -> str:
    """Check a sender, ``Name <address>`` or an address."""
    from email.utils import parseaddr  # noqa: PLC0415 - slow to import, and most commands read no such setting

    name, address = parseaddr(value)
    if not re.fullmatch(r"[^\s@]+@[^\s@]+", address) or "\n" in name:
        raise ValueError("a mail address such as Support <support@example.net>")
    return value


def mail_listen(value: str) -> str:
    """Check the address to receive mail on."""
    scheme, separator, address = value.partition("://")
    if scheme not in {"lmtp", "smtp"} or not separator:
        raise ValueError("an address such as lmtp://127.0.0.1:8024 or smtp://0.0.0.0:25")
    bind(address)
    return value


def media_types(value: str) -> tuple[str, ...]:
    """Return media types, which are separated by commas."""
    patterns = tuple(filter(None, (pattern.strip().lower() for pattern in value.split(","))))
    if not patterns or not all(_MEDIA_TYPES.fullmatch(pattern) for pattern in patterns):
        raise ValueError("media types between commas, such as text/plain,image/*, or * for any")
    return patterns


def _shown_bytes(default: int) -> str:
    """Return how a default is shown that is a number of bytes."""
    unit, name = (1024**2, "MiB") if default >= 1024**2 else (1024, "KiB")
    return f"`{default}` ({default // unit} {name})"


def count(least: int, most: int, default: int, about: str) -> Any:
    """Return a field that is a number from ``least`` to ``most``."""
    return setting(number(least, most), f"`{default}`", about, default)


def setting(parse: Callable[[str], Any], shown: str, about: str, default: Any) -> Any:
    """Return a field with how its text is read, how its default is shown, and what it means."""
    metadata = {"parse": parse, "shown": shown, "about": about}
    if callable(default):
        return field(default_factory=default, metadata=metadata)
    return field(default=default, metadata=metadata)


def number_or_off(least: int, most: int) -> Callable[[str], int]:
    """Return a reader of whole numbers from ``least`` to ``most``, and of 0."""
    within = number(least, most)

    def parse(value: str) -> int:
        try:
            return 0 if value == "0" else within(value)
        except ValueError:
            raise ValueError(f"0, or a whole number from {least} to {most}") from None

    return parse


def days(least: int, default: int, data: str, since: str, afterwards: str, *, may_be_off: bool = False) -> Any:
    """Return a field that says for how many days after ``since`` Clearline keeps ``data``, and what happens then.

    With ``may_be_off`` 0 keeps it for good.
    """
    parse = number_or_off(least, RETENTION_MAX) if may_be_off else number(least, RETENTION_MAX)
    return field(
        default=default,
        metadata={
            "parse": parse,
            "shown": f"`{default}`",
            "about": f"How many days {data} are kept after {since}; `{least}` to `{RETENTION_MAX}`"
            + (", or `0` for good" if may_be_off else "")
            + ". After that: "
            + afterwards[0].lower()
            + afterwards[1:],
            "retention": (default, data, since, afterwards),
        },
    )


def size(least: int, most: int, default: int, about: str) -> Any:
    """Return a field that is a number of bytes from ``least`` to ``most``."""
    return setting(number(least, most), _shown_bytes(default), about, default)
