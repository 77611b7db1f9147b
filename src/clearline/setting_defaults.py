"""Defaults of settings that other modules use, too."""

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
