"""Defaults of settings that other modules use, too, or that depend on the machine."""

import os
from pathlib import Path

ATTACHMENT_MAX = 25 * 1024**2
"""Bytes."""
COMPANY_ATTACHMENTS_MAX = 20 * 1024**3
"""Bytes."""
COMPANY_IDEMPOTENCY_MAX = 256 * 1024**2
"""Bytes."""
DISK_FLOOR = 512 * 1024**2
"""Bytes."""
MAIL_MAX = 25 * 1024**2
"""Bytes."""
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

COMPANY_USERS_MAX, COMPANY_KEYS_MAX, COMPANY_INVITATIONS_MAX, COMPANY_MAIL_DOMAINS_MAX = 1000, 200, 100, 20
COMPANY_SUBSCRIPTIONS_MAX, COMPANY_JOBS_MAX = 20, 20
COMPANY_CONTACT_MAILS, RECIPIENT_MAILS = 200, 60
"""In an hour."""
TICKET_NOTES_MAX = 1000
UNKNOWN_KEYS = 300
"""In a minute."""
HEADERS_MAX = 64 * 1024
"""Bytes."""
SESSION_IDLE_HOURS, SESSION_DAYS = 12, 7
UNDO_SECONDS = 10
CHRONIC_TICKETS, CHRONIC_DAYS = 3, 45


def data_dir() -> Path:
    """Return where data is kept unless a setting says otherwise.

    ``/var/lib/clearline`` for root, whose PostgreSQL runs as another account and must reach it;
    ``$XDG_DATA_HOME/clearline`` or ``~/.local/share/clearline`` for others.
    """
    if os.geteuid() == 0:
        return Path("/var/lib/clearline")
    home = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(home) / "clearline"
