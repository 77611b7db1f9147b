import os
from pathlib import Path

import pytest

from clearline.settings.docs import documented, documented_retentions
from clearline.settings.settings import InvalidSetting, Settings, read_settings
from clearline.settings.values import Bind

VALID = {
    "CLEARLINE_DATABASE_URL": "postgresql://desk@db.example.com/desk",
    "CLEARLINE_DATA_DIR": "/srv/clearline",
    "CLEARLINE_BIND": "[::1]:0",
    "CLEARLINE_PROCESSES": "4",
    "CLEARLINE_POOL_SIZE": "20",
    "CLEARLINE_RATE_LIMIT": "0",
    "CLEARLINE_COMPANY_RATE_LIMIT": "500",
    "CLEARLINE_COMPANY_STREAMS": "50",
    "CLEARLINE_STREAMS": "200",
    "CLEARLINE_COMPANY_SEARCHES": "2",
    "CLEARLINE_SEARCH_SECONDS": "3",
    "CLEARLINE_CONNECTIONS": "3000",
    "CLEARLINE_PEER_CONNECTIONS": "0",
    "CLEARLINE_COMPANY_IDEMPOTENCY_MAX": "1000000",
    "CLEARLINE_COMPANY_ATTACHMENTS_MAX": "2000000",
    "CLEARLINE_COMPANY_USERS_MAX": "50",
    "CLEARLINE_COMPANY_KEYS_MAX": "10",
    "CLEARLINE_COMPANY_INVITATIONS_MAX": "20",
    "CLEARLINE_COMPANY_MAIL_DOMAINS_MAX": "0",
    "CLEARLINE_COMPANY_SUBSCRIPTIONS_MAX": "5",
    "CLEARLINE_COMPANY_JOBS_MAX": "6",
    "CLEARLINE_TICKET_NOTES_MAX": "9",
    "CLEARLINE_COMPANY_CONTACT_MAILS": "7",
    "CLEARLINE_RECIPIENT_MAILS": "8",
    "CLEARLINE_UNKNOWN_KEYS": "30",
    "CLEARLINE_HEADERS_MAX": "16384",
    "CLEARLINE_DISK_FLOOR": "0",
    "CLEARLINE_CLOSE_RESOLVED_HOURS": "0",
    "CLEARLINE_SESSION_IDLE_HOURS": "8",
    "CLEARLINE_SESSION_DAYS": "30",
    "CLEARLINE_REOPEN_ON_ANSWER": "off",
    "CLEARLINE_CUSTOMERS_CLOSE": "off",
    "CLEARLINE_UNDO_SECONDS": "30",
    "CLEARLINE_CHRONIC_TICKETS": "5",
    "CLEARLINE_CHRONIC_DAYS": "30",
    "CLEARLINE_FOLLOW_UP_TICKETS": "off",
    "CLEARLINE_METRICS_BIND": "0.0.0.0:9464",
    "CLEARLINE_METRICS_TOKEN": "m" * 32,
    "CLEARLINE_ATTACHMENTS": "s3://desk/files",
    "CLEARLINE_S3_ENDPOINT": "https://s3.example.com",
    "CLEARLINE_ATTACHMENT_MAX": "1000000",
    "CLEARLINE_ATTACHMENT_TYPES": "image/*,text/plain",
    "CLEARLINE_DRAIN_SECONDS": "5",
    "CLEARLINE_SHUTDOWN_SECONDS": "30",
    "CLEARLINE_KEEP_IDEMPOTENCY_KEYS_DAYS": "2",
    "CLEARLINE_KEEP_DRAFTS_DAYS": "5",
    "CLEARLINE_KEEP_JOBS_DAYS": "30",
    "CLEARLINE_KEEP_DELIVERIES_DAYS": "7",
    "CLEARLINE_KEEP_OUTBOUND_MAIL_DAYS": "31",
    "CLEARLINE_KEEP_INBOUND_MAIL_DAYS": "32",
    "CLEARLINE_KEEP_UNNOTIFIED_EVENTS_DAYS": "3",
    "CLEARLINE_KEEP_NOTIFICATIONS_DAYS": "8",
    "CLEARLINE_KEEP_ORPHANED_ATTACHMENTS_DAYS": "4",
    "CLEARLINE_KEEP_AUDIT_DAYS": "400",
    "CLEARLINE_LOG_FORMAT": "json",
    "CLEARLINE_LOG_LEVEL": "warning",
    "CLEARLINE_ACCESS_LOG": "off",
    "CLEARLINE_PUBLIC_URL": "https://desk.example.net",
    "CLEARLINE_WORKERS": "off",
    "CLEARLINE_WEBHOOK_NETWORKS": "10.20.0.0/16, fd00::/8",
    "CLEARLINE_WEBHOOK_SECONDS": "5",
    "CLEARLINE_SMTP": "smtp+starttls://desk:p%40ss@mail.example.net:587",
    "CLEARLINE_MAIL_FROM": "The NOC <noc@example.net>",
    "CLEARLINE_MAIL_LISTEN": "lmtp://[::1]:8024",
    "CLEARLINE_STAFF_REPLIES_BY_MAIL": "MX.example.net",
    "CLEARLINE_MAIL_MAX": "1000000",
    "CLEARLINE_MAIL_CONNECTIONS": "40",
    "CLEARLINE_MAIL_PEER_CONNECTIONS": "0",
    "CLEARLINE_COMPANY_MAILS": "50",
    "CLEARLINE_IMAP_NETWORKS": "10.30.0.0/16",
    "CLEARLINE_SIGN_IN_NETWORKS": "10.40.0.0/16",
    "CLEARLINE_POSTGRES_BIN": "/usr/lib/postgresql/18/bin",
    "CLEARLINE_SECRET_KEY": "long and random, 32 characters and more",
    "CLEARLINE_POSTGRES_USER": "clearline",
}


EXPECTED = Settings(
    database_url="postgresql://desk@db.example.com/desk",
    data_dir=Path("/srv/clearline"),
    bind=Bind(VALID["CLEARLINE_BIND"]),
    processes=4,
    pool_size=20,
    rate_limit=0,
    company_rate_limit=500,
    company_streams=50,
    streams=200,
    company_searches=2,
    search_seconds=3,
    connections=3000,
    peer_connections=0,
    company_idempotency_max=1_000_000,
    company_attachments_max=2_000_000,
    company_users_max=50,
    company_keys_max=10,
    company_invitations_max=20,
    company_mail_domains_max=0,
    company_subscriptions_max=5,
    company_jobs_max=6,
    ticket_notes_max=9,
    company_contact_mails=7,
    recipient_mails=8,
    unknown_keys=30,
    headers_max=16384,
    disk_floor=0,
    close_resolved_hours=0,
    session_idle_hours=8,
    session_days=30,
    reopen_on_answer=False,
    customers_close=False,
    undo_seconds=30,
    chronic_tickets=5,
    chronic_days=30,
    follow_up_tickets=False,
    metrics_bind=Bind("0.0.0.0:9464"),
    metrics_token="m" * 32,
    attachments="s3://desk/files",
    s3_endpoint="https://s3.example.com",
    attachment_max=1_000_000,
    attachment_types=("image/*", "text/plain"),
    drain_seconds=5,
    shutdown_seconds=30,
    keep_idempotency_keys_days=2,
    keep_drafts_days=5,
    keep_jobs_days=30,
    keep_deliveries_days=7,
    keep_outbound_mail_days=31,
    keep_inbound_mail_days=32,
    keep_unnotified_events_days=3,
    keep_notifications_days=8,
    keep_orphaned_attachments_days=4,
    keep_audit_days=400,
    log_format="json",
    log_level="warning",
    access_log=False,
    public_url="https://desk.example.net",
    workers=False,
    webhook_networks=("10.20.0.0/16", "fd00::/8"),
    webhook_seconds=5,
    smtp="smtp+starttls://desk:p%40ss@mail.example.net:587",
    mail_from="The NOC <noc@example.net>",
    mail_listen="lmtp://[::1]:8024",
    staff_replies_by_mail="mx.example.net",
    mail_max=1_000_000,
    mail_connections=40,
    mail_peer_connections=0,
    company_mails=50,
    imap_networks=("10.30.0.0/16",),
    sign_in_networks=("10.40.0.0/16",),
    postgres_bin=Path("/usr/lib/postgresql/18/bin"),
    secret_key="long and random, 32 characters and more",
    postgres_user="clearline",
)
"""What these variables are read as."""


def test_every_setting_is_read_from_its_variable() -> None:
    settings = read_settings(VALID)
    assert settings == EXPECTED
    assert (settings.bind.host, settings.bind.port) == ("::1", 0)


def test_the_reference_names_every_variable() -> None:
    assert {setting.variable for setting in documented()} == set(VALID)


def test_an_empty_environment_gives_the_defaults() -> None:
    assert read_settings({"PATH": "/bin", "CLEARLINE": "x"}) == Settings()


def test_an_empty_value_counts_as_none() -> None:
    assert read_settings(dict.fromkeys(VALID, "")) == Settings()


@pytest.mark.parametrize("variable", ["CLEARLINE_DATABSE_URL", "CLEARLINE_", "CLEARLINE_bind"])
def test_an_unknown_variable_is_refused_and_the_known_ones_are_named(variable: str) -> None:
    with pytest.raises(InvalidSetting) as refused:
        read_settings({variable: "x"})
    assert str(refused.value).startswith(f"{variable} is not a setting")
    assert all(known in str(refused.value) for known in VALID)


@pytest.mark.parametrize(
    ("variable", "value", "allowed"),
    [
        ("DATABASE_URL", "mysql://db", "postgresql://user:password@host/database"),
        ("BIND", "8080", "127.0.0.1:8080"),
        ("PUBLIC_URL", "desk.example.net", "https://"),
        ("WORKERS", "no", "one of on, off"),
        ("WEBHOOK_NETWORKS", "10.0.0.1/8", "10.20.0.0/16"),
        ("WEBHOOK_NETWORKS", "intranet", "10.20.0.0/16"),
        ("WEBHOOK_SECONDS", "0", "from 1 to 30"),
        ("SMTP", "mail.example.net:25", "smtp+starttls://"),
        ("SMTP", "smtp://user@mail.example.net", "smtp+starttls://"),
        ("SMTP", "smtp://user:password@mail.example.net", "smtp+starttls:// or smtps:// with a password"),
        ("SMTP", "smtp://user:@192.0.2.1:25", "smtp+starttls:// or smtps:// with a password"),
        ("SMTP", "smtp://user:password@[2001:db8::1]:25", "smtp+starttls:// or smtps:// with a password"),
        ("SMTP", "smtp://user:password@localhost.example.com:25", "smtp+starttls:// or smtps:// with a password"),
        ("SECRET_KEY", "x" * 31, "a secret of at least 32 characters"),
        ("MAIL_FROM", "Support", "Support <support@example.net>"),
        ("MAIL_LISTEN", "127.0.0.1:25", "lmtp://127.0.0.1:8024"),
        ("MAIL_LISTEN", "smtp://localhost", "127.0.0.1:8080"),
        ("MAIL_MAX", "1", "from 10000"),
        ("STAFF_REPLIES_BY_MAIL", "on", "off, or the name of your mail server in Authentication-Results"),
        ("STAFF_REPLIES_BY_MAIL", "mx.example.net; x", "such as mx.example.net"),
        ("BIND", ":8080", "127.0.0.1:8080"),
        ("BIND", "127.0.0.1:65536", "127.0.0.1:8080"),
        ("BIND", "127.0.0.1:", "127.0.0.1:8080"),
        ("BIND", "127.0.0.1:-1", "127.0.0.1:8080"),
        ("PROCESSES", "0", "a whole number from 1 to 64"),
        ("PROCESSES", "65", "a whole number from 1 to 64"),
        ("PROCESSES", "\u0663", "a whole number from 1 to 64"),
        ("POOL_SIZE", "1", "a whole number from 2 to 100"),
        ("POOL_SIZE", "ten", "a whole number from 2 to 100"),
        ("RATE_LIMIT", "-1", "a whole number from 0 to 1000000"),
        ("SHUTDOWN_SECONDS", "1.5", "a whole number from 1 to 300"),
        ("KEEP_IDEMPOTENCY_KEYS_DAYS", "0", "a whole number from 1 to 3650"),
        ("KEEP_JOBS_DAYS", "3651", "a whole number from 1 to 3650"),
        ("KEEP_OUTBOUND_MAIL_DAYS", "6", "a whole number from 7 to 3650"),
        ("KEEP_INBOUND_MAIL_DAYS", "6", "a whole number from 7 to 3650"),
        ("KEEP_NOTIFICATIONS_DAYS", "6", "a whole number from 7 to 3650"),
        ("LOG_FORMAT", "xml", "one of auto, json, text"),
        ("LOG_LEVEL", "INFO", "one of debug, info, warning, error"),
        ("ACCESS_LOG", "yes", "one of on, off"),
    ],
)
def test_an_invalid_value_is_refused_with_the_allowed_ones(variable: str, value: str, allowed: str) -> None:
    with pytest.raises(InvalidSetting) as refused:
        read_settings({f"CLEARLINE_{variable}": value})
    assert str(refused.value).startswith(f"CLEARLINE_{variable} must be ")
    assert allowed in str(refused.value)


def test_the_data_directory_is_absolute_and_a_tilde_is_the_home() -> None:
    assert read_settings({"CLEARLINE_DATA_DIR": "here"}).data_dir == Path.cwd() / "here"
    assert read_settings({"CLEARLINE_DATA_DIR": "~/desk"}).data_dir == Path.home() / "desk"


def test_the_default_data_directory_depends_on_who_runs_it() -> None:
    data_dir = read_settings({}).data_dir
    assert data_dir.is_absolute()
    assert (data_dir == Path("/var/lib/clearline")) == (os.geteuid() == 0)


def test_the_default_retention_does_not_change() -> None:
    assert {doc.variable.removeprefix("CLEARLINE_KEEP_"): doc.days for doc in documented_retentions()} == {
        "IDEMPOTENCY_KEYS_DAYS": 1,
        "DRAFTS_DAYS": 30,
        "JOBS_DAYS": 90,
        "DELIVERIES_DAYS": 30,
        "OUTBOUND_MAIL_DAYS": 90,
        "INBOUND_MAIL_DAYS": 90,
        "UNNOTIFIED_EVENTS_DAYS": 1,
        "NOTIFICATIONS_DAYS": 14,
        "ORPHANED_ATTACHMENTS_DAYS": 1,
        "AUDIT_DAYS": 0,
    }


@pytest.mark.parametrize("days", ["364", "3651", "-1", "off"])
def test_the_audit_is_kept_for_good_or_for_a_year_at_least(days: str) -> None:
    assert read_settings({"CLEARLINE_KEEP_AUDIT_DAYS": "0"}).keep_audit_days == 0
    assert read_settings({"CLEARLINE_KEEP_AUDIT_DAYS": "365"}).keep_audit_days == 365
    with pytest.raises(InvalidSetting, match="CLEARLINE_KEEP_AUDIT_DAYS must be 0, or a whole number from 365 to 3650"):
        read_settings({"CLEARLINE_KEEP_AUDIT_DAYS": days})


@pytest.mark.parametrize(
    "address",
    [
        "smtp://mail.example.net",
        "smtp://user:password@127.0.0.1:25",
        "smtp://user:password@[::1]:25",
        "smtp://user:password@localhost",
        "smtps://user:password@mail.example.net",
        "smtp+starttls://user:password@mail.example.net:587",
    ],
)
def test_a_password_for_mail_is_accepted_with_tls_or_on_this_machine(address: str) -> None:
    assert read_settings({"CLEARLINE_SMTP": address}).smtp == address


def test_a_secret_of_32_characters_is_accepted() -> None:
    assert read_settings({"CLEARLINE_SECRET_KEY": "x" * 32}).secret_key == "x" * 32


def test_replies_by_mail_are_off_unless_a_server_is_named() -> None:
    assert read_settings({}).staff_replies_by_mail is None
    assert read_settings({"CLEARLINE_STAFF_REPLIES_BY_MAIL": "off"}).staff_replies_by_mail is None


@pytest.mark.parametrize("bind", ["127.0.0.1:9464", "[::1]:9464", "localhost:9464"])
def test_metrics_need_no_token_where_only_this_machine_reaches_them(bind: str) -> None:
    assert read_settings({"CLEARLINE_METRICS_BIND": bind}).metrics_bind == bind


@pytest.mark.parametrize("bind", ["0.0.0.0:9464", "[::]:9464", "192.0.2.1:9464", "desk.example.net:9464"])
def test_metrics_that_others_reach_need_a_token(bind: str) -> None:
    with pytest.raises(InvalidSetting, match="CLEARLINE_METRICS_TOKEN must be set: others than this machine reach"):
        read_settings({"CLEARLINE_METRICS_BIND": bind})
