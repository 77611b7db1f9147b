"""Every setting, once. All come from environment variables whose names begin with ``CLEARLINE_``."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from clearline.settings import defaults, values
from clearline.settings.retention import RetentionSettings
from clearline.settings.values import count, setting, size

PREFIX = "CLEARLINE_"


class InvalidSetting(Exception):
    """A variable is unknown, or its value is not allowed."""


@dataclass(frozen=True, slots=True)
class Settings(RetentionSettings):
    """The configuration. ``docs/reference/settings.md`` is generated from it."""

    webhook_networks: tuple[str, ...] = setting(
        values.networks,
        "none",
        "Private networks that webhooks may be sent to, between commas, such as `10.20.0.0/16,fd00::/8`. Without it "
        "only public addresses over https.",
        (),
    )
    webhook_seconds: int = count(1, 30, 15, "Seconds within which the receiver of a webhook must answer.")
    smtp: str | None = setting(
        values.smtp,
        "none: no mail is sent",
        "Server that mail is sent by: `smtp://host:25`, `smtp+starttls://user:password@host:587` or "
        "`smtps://user:password@host:465`. User and password are percent-encoded; `smtp://` allows them only for a "
        "server on this machine.",
        None,
    )
    mail_from: str = setting(
        values.mail_address,
        "`Support <support@localhost>`",
        "Sender of all mail, `Name <address>`. Replies go to its address, with the ticket after a plus.",
        "Support <support@localhost>",
    )
    mail_listen: str | None = setting(
        values.mail_listen,
        "none: no mail is received",
        "Address on which mail is accepted: `lmtp://127.0.0.1:8024` behind your own mail server, or `smtp://0.0.0.0:25`.",
        None,
    )
    mail_max: int = size(10_000, 100 * 1024**2, defaults.MAIL_MAX, "Most bytes of a received mail.")
    mail_connections: int = count(
        1, 10_000, 50, "Connections that the mail listener has at a time; further ones are answered with 421."
    )
    mail_peer_connections: int = count(
        0, 10_000, 20, "Those of one address other than the machine's own; `0` for no limit."
    )
    company_mails: int = count(
        0, 1_000_000, 500, "Mails of one customer that are filed in an hour; others are quarantined. `0` for no limit."
    )
    staff_replies_by_mail: str | None = setting(
        values.mail_server,
        "`off`: mail of the provider's people stays internal",
        "Name of your mail server in the `Authentication-Results` that it adds, such as `mx.example.net`. Agents who "
        "turned it on may then reply to customers by mail that begins with `#public`, if that server verified them.",
        None,
    )
    imap_networks: tuple[str, ...] = setting(
        values.networks,
        "none",
        "Private networks of IMAP servers, between commas, such as `10.30.0.0/16`, or `127.0.0.0/8` for this machine.",
        (),
    )
    sign_in_networks: tuple[str, ...] = setting(
        values.networks,
        "none",
        "Private networks of identity providers, between commas, such as `10.40.0.0/16`; there also over plain HTTP.",
        (),
    )
    secret_key: str | None = setting(
        values.secret,
        "a key kept in the database",
        "Key that encrypts the passwords of mailboxes, the secrets of second factors and those of clients at identity "
        "providers: at least 32 random characters. Keep it; without it they are lost.",
        None,
    )
    postgres_bin: Path | None = setting(
        values.path,
        "those that are installed with Clearline",
        "Folder of the programs that the embedded PostgreSQL runs with, of its major version or a newer one, such as "
        "`/usr/lib/postgresql/18/bin`.",
        None,
    )
    postgres_user: str | None = setting(
        values.text,
        "`clearline`, `postgres` or `nobody`, the first that exists",
        "Only as root: the account that the embedded PostgreSQL runs as; preferably one that nothing else uses.",
        None,
    )

    @property
    def requests_of_company(self) -> int:
        """Return how many requests a minute a company may make of one process; 0 for any number."""
        return 5 * self.rate_limit if self.company_rate_limit is None else self.company_rate_limit

    def page_url(self, path: str) -> str:
        """Return the address of a page: at the public address if one is set, else where this machine listens."""
        is_default = self.public_url == Settings().public_url
        return (self.bind.url if is_default else self.public_url.rstrip("/")) + path


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Return the settings in an environment; an empty value counts as none.

    Raises:
        InvalidSetting: a ``CLEARLINE_`` variable is unknown or has a value that is not allowed.
    """
    parsers = {PREFIX + setting.name.upper(): (setting.name, setting.metadata["parse"]) for setting in fields(Settings)}
    parsed: dict[str, Any] = {}
    for variable in sorted(environment):
        if not variable.startswith(PREFIX) or not environment[variable]:
            continue
        if variable not in parsers:
            raise InvalidSetting(f"{variable} is not a setting; there are {', '.join(sorted(parsers))}")
        name, parse = parsers[variable]
        try:
            parsed[name] = parse(environment[variable])
        except ValueError as error:
            raise InvalidSetting(f"{variable} must be {error}") from error
    settings = Settings(**parsed)
    bind = settings.metrics_bind
    if bind is not None and not values.is_loopback(bind.host) and settings.metrics_token is None:
        raise InvalidSetting(f"{PREFIX}METRICS_TOKEN must be set: others than this machine reach {bind}")
    return settings
