"""The settings of the server itself: its database and its limits."""

from dataclasses import dataclass
from pathlib import Path

from clearline.settings import defaults, values
from clearline.settings.values import Bind, count, setting, size


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """The first part of ``Settings``."""

    database_url: str | None = setting(
        values.url,
        "the embedded PostgreSQL",
        "Address of a PostgreSQL 15 or newer, `postgresql://user:password@host/database`, hosts between commas. "
        "Without it Clearline runs its own PostgreSQL in the data directory.",
        None,
    )
    data_dir: Path = setting(
        values.path,
        "`/var/lib/clearline` as root, else `~/.local/share/clearline`",
        "Directory of the embedded database and of attachments. `serve`, `migrate` and `demo` create it when "
        "it is missing, with mode 0700 (0711 as root); other commands refuse.",
        defaults.data_dir,
    )
    bind: Bind = setting(
        values.bind, "`127.0.0.1:8080`", "Address and port to serve HTTP on.", lambda: Bind("127.0.0.1:8080")
    )
    processes: int = setting(values.number(1, 64), "`1`", "Server processes that share the port.", 1)
    pool_size: int = setting(
        values.number(2, 100),
        "`20`",
        "Most database connections of one process; one customer uses at most half of them, and a fifth is kept for "
        "the provider's people and background work.",
        20,
    )
    rate_limit: int = setting(
        values.number(0, 1_000_000),
        "`6000`",
        "Requests a minute that one API key, or one person in the pages, may make of one process; `0` for no limit. "
        "Counted in memory: two processes together allow twice as many.",
        6000,
    )
    company_rate_limit: int | None = setting(
        values.number(0, 100_000_000),
        "five times `CLEARLINE_RATE_LIMIT`",
        "Requests a minute that all API keys of one customer may make of one process; `0` for no limit. The provider's "
        "own people have no such limit.",
        None,
    )
    company_streams: int = setting(
        values.number(1, 100_000),
        "`100`",
        "Event streams and downloads (exports, attachments, raw mail) that all keys of one customer may have open at "
        "one process.",
        100,
    )
    streams: int = count(
        5,
        100_000,
        500,
        "Event streams and downloads that one process has open; a fifth is kept for the provider's people.",
    )
    company_searches: int = setting(
        values.number(1, 1000), "`4`", "Searches of one customer that one process runs at a time.", 4
    )
    search_seconds: int = count(
        1, 30, 5, "Seconds that PostgreSQL may spend on a statement of a search, or of a filtered list."
    )
    company_idempotency_max: int = size(
        0,
        1024**4,
        defaults.COMPANY_IDEMPOTENCY_MAX,
        "Most bytes of answers that one process keeps in a day for the `Idempotency-Key`s of one customer; `0` for no "
        "limit. Above it requests with a new key are answered 429.",
    )
    connections: int = setting(
        values.number(10, 1_000_000), "`2000`", "Connections of clients that one process has at a time.", 2000
    )
    peer_connections: int = setting(
        values.number(0, 1_000_000),
        "`1000`",
        "Those of one address; `0` for no limit. Behind a proxy all connections are those of the proxy: let the proxy "
        "limit its clients.",
        1000,
    )
    headers_max: int = size(8 * 1024, 1024**2, defaults.HEADERS_MAX, "Most bytes of the request line and the headers.")
    unknown_keys: int = count(
        10, 1_000_000, defaults.UNKNOWN_KEYS, "Unknown API keys a minute that one address may send to one process."
    )
    close_resolved_hours: int = setting(
        values.number(0, 8760),
        "`168`",
        "After how many hours a resolved ticket closes by itself unless somebody reopens it, counted from the "
        "customer's last answer if that is later; `0` for never.",
        168,
    )
    reopen_on_answer: bool = setting(
        values.on_or_off,
        "`on`",
        "Whether a note, file or mail of the customer reopens a resolved ticket: `on`, or `off` to let it stay "
        "resolved and close `CLEARLINE_CLOSE_RESOLVED_HOURS` after that answer.",
        True,
    )
    customers_close: bool = setting(
        values.on_or_off,
        "`on`",
        "Whether customers may close a ticket of their own that is acknowledged or in progress, with a reason: `on`, "
        "or `off` to let them close only what is resolved.",
        True,
    )
    chronic_tickets: int = count(
        0, 100, defaults.CHRONIC_TICKETS, "Tickets on one service that make it chronic; `0` for no number."
    )
    chronic_days: int = count(
        1, 3650, defaults.CHRONIC_DAYS, "Days within which so many tickets make a service chronic."
    )
    undo_seconds: int = count(0, 60, defaults.UNDO_SECONDS, "Seconds to take a console reply back; `0` for none.")
    follow_up_tickets: bool = setting(
        values.on_or_off,
        "`on`",
        "Whether a mail of the customer about a closed, cancelled or rejected ticket creates a ticket that follows it: "
        "`on`, or `off` to quarantine such mail.",
        True,
    )
    session_idle_hours: int = count(
        1, 8760, defaults.SESSION_IDLE_HOURS, "After how many hours without a request a person has to sign in again."
    )
    session_days: int = count(
        1, 365, defaults.SESSION_DAYS, "After how many days a person has to sign in again in any case."
    )
    drain_seconds: int = count(
        0, 300, 0, "Seconds that a server still answers requests after SIGTERM, while `/readyz` answers 503, so that a "
        "load balancer sees it before the server stops. `0` without a load balancer.",
    )  # fmt: skip
    shutdown_seconds: int = count(
        1, 300, 10, "Seconds that a stopping server waits for requests that still run; then they are answered 503."
    )
    log_format: str = setting(
        values.choice("auto", "json", "text"),
        "`auto`",
        "`json` for one JSON object a line, `text` for people; `auto` is text on a terminal and JSON elsewhere.",
        "auto",
    )
    log_level: str = setting(
        values.choice("debug", "info", "warning", "error"), "`info`", "The lowest level that is logged.", "info"
    )
    access_log: bool = setting(values.on_or_off, "`on`", "One log line for each request: `on` or `off`.", True)
    metrics_bind: Bind | None = setting(
        values.bind,
        "none: there are no metrics",
        "Address and port on which `clearline serve` answers `/metrics` for Prometheus, such as `127.0.0.1:9464`: a "
        "port of its own, whatever the number of processes.",
        None,
    )
    metrics_token: str | None = setting(
        values.secret,
        "none",
        "Token that `/metrics` is asked for with, as `Authorization: Bearer`: at least 32 random characters. Needed "
        "where `CLEARLINE_METRICS_BIND` is no loopback address.",
        None,
    )
    attachments: str = setting(
        values.attachments,
        "`disk`",
        "Where attached files are kept: `disk` for `attachments` in the data directory, an absolute path of another "
        "directory, or `s3://bucket/prefix`. Region and keys of S3 come from the usual `AWS_` variables.",
        "disk",
    )
    s3_endpoint: str | None = setting(
        values.http_url, "Amazon's", "Address of an S3-compatible store, such as `https://s3.example.com`.", None
    )
    attachment_max: int = size(1, 5 * 1024**3, defaults.ATTACHMENT_MAX, "Most bytes of one attached file.")
    company_attachments_max: int = size(
        1,
        1024**5,
        defaults.COMPANY_ATTACHMENTS_MAX,
        "Most bytes of all attached files of one customer; the provider's people can attach more.",
    )
    company_users_max: int = count(
        1,
        1_000_000,
        defaults.COMPANY_USERS_MAX,
        "Most users of one customer that its own admins may add, inactive ones too; the provider can add more.",
    )
    company_keys_max: int = count(
        1,
        100_000,
        defaults.COMPANY_KEYS_MAX,
        "Most API keys in force that the admins of one customer may issue; the provider can issue more to it.",
    )
    company_invitations_max: int = count(
        1,
        100_000,
        defaults.COMPANY_INVITATIONS_MAX,
        "Most mails about addresses that the admins of one customer may cause in a day: invitations, reminders, and "
        "notices to replaced addresses.",
    )
    company_subscriptions_max: int = count(
        1, 1000, defaults.COMPANY_SUBSCRIPTIONS_MAX, "Most webhook subscriptions of one company, the provider too."
    )
    company_jobs_max: int = count(
        1,
        1000,
        defaults.COMPANY_JOBS_MAX,
        "Most unfinished jobs (bulk changes, imports) of one company, the provider too.",
    )
    company_contact_mails: int = count(
        0,
        1_000_000,
        defaults.COMPANY_CONTACT_MAILS,
        "Most notifications in an hour about the tickets of one customer to contacts who are no users; further ones "
        "are not sent.",
    )
    recipient_mails: int = count(
        1,
        10_000,
        defaults.RECIPIENT_MAILS,
        "Most notifications in an hour to one address; further ones wait for a digest, and none is lost.",
    )
    company_mail_domains_max: int = count(
        0,
        10_000,
        defaults.COMPANY_MAIL_DOMAINS_MAX,
        "Most mail domains that the admins of one customer may add, in any state; `0` leaves them to the provider.",
    )
    ticket_notes_max: int = count(
        1,
        defaults.TICKET_NOTES_MAX,
        defaults.TICKET_NOTES_MAX,
        "Most notes of one ticket with which its customer may add another; the provider's people may up to twice as "
        "many. Some answers have all notes, so that there can be no more.",
    )
    disk_floor: int = size(
        0,
        1024**5,
        defaults.DISK_FLOOR,
        "Bytes that attachments on disk leave free: with less, files are refused, and mails with files wait.",
    )
    attachment_types: tuple[str, ...] = setting(
        values.media_types,
        "images, text, CSV, JSON, XML, PDF, packet captures, archives, mail, office documents, octet-stream",
        "Media types that may be attached, between commas: `text/plain`, `image/*`, or `*` for any.",
        defaults.ATTACHMENT_TYPES,
    )
    public_url: str = setting(
        values.http_url,
        "`http://127.0.0.1:8080`",
        "Address at which people and programs reach this server; links in mail begin with it.",
        "http://127.0.0.1:8080",
    )
    workers: bool = setting(
        values.on_or_off,
        "`on`",
        "Whether `clearline serve` also does the work that follows from requests: `on`, or `off` where "
        "`clearline work` runs beside it.",
        True,
    )
