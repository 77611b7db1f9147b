"""The data map: what each table stores about people, and by which columns a row is somebody's."""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple


class Form(StrEnum):
    """What a column holds, which decides how words in it are replaced."""

    TEXT = "text"
    TEXTS = "texts"
    """An array of texts."""
    TAGS = "tags"
    JSON = "json"
    OWN_FIELDS = "own_fields"
    """Values of own fields of a ticket, by their keys."""
    BODY = "body"
    """Bytes: JSON, or what was sent in its place."""
    MAIL = "mail"
    """A mail as it was received or is sent."""


class Column(NamedTuple):
    """A column with words. ``most`` is how many characters it may have, ``within`` as for ``Redactor.json``.

    ``author`` is the column with the id of the user whose name it is: a name beside another id is somebody else's.
    """

    name: str
    form: Form = Form.TEXT
    most: int | None = None
    within: str = ""
    author: str | None = None


class Table(NamedTuple):
    """What a table stores about people.

    ``key`` is the primary key with the types of its columns, in whose order the table is read. A row is a person's if
    one of ``users`` is the id of the person's account, one of ``addresses`` is the person's, or ``condition`` holds,
    in which ``$users`` and ``$addresses`` stand for both. Of an exported row the columns ``hidden`` are left out:
    secrets, hashes of them, and contents that are files of the export. ``company`` is the column with the company that
    a row belongs to, None when rows belong to none; ``ticket`` that with the number of the ticket whose entry in the
    search is made from the row, too. Rows that ``are_deleted`` say nothing without the person, and go as a whole.
    """

    name: str
    key: str
    columns: tuple[Column, ...] = ()
    users: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    condition: str | None = None
    hidden: tuple[str, ...] = ()
    company: str | None = "company_id"
    ticket: str | None = None
    are_deleted: bool = False
    at_once: int = 2000

    @property
    def is_exported(self) -> bool:
        """Whether rows can be a person's."""
        return bool(self.users or self.addresses or self.condition)

    @property
    def is_rewritten(self) -> bool:
        """Whether an erasure goes through the rows."""
        return bool(self.columns) or self.are_deleted


def _texts(names: str, most: Mapping[str, int] | None = None) -> tuple[Column, ...]:
    return tuple(Column(name, most=(most or {}).get(name)) for name in names.split())


_JSON = Form.JSON

ACCOUNTS = (
    Table("app_user", "company_id uuid, id uuid", users=("id",), addresses=("email",), hidden=("session_epoch",)),
    Table("notification_settings", "company_id uuid, user_id uuid", users=("user_id",), are_deleted=True),
    Table("list_columns", "company_id uuid, user_id uuid, list text", users=("user_id",), are_deleted=True),
    Table("assign_by_typing_off", "company_id uuid, user_id uuid", users=("user_id",), are_deleted=True),
    Table(
        "undone_assignment", "company_id uuid, user_id uuid, ticket_number bigint", users=("user_id",),
        are_deleted=True,
    ),
    Table("team_member", "team_id uuid, user_id uuid", users=("user_id",), company=None, are_deleted=True),
    Table("user_password", "company_id uuid, user_id uuid", users=("user_id",), hidden=("hash",), are_deleted=True),
    Table(
        "second_factor", "company_id uuid, user_id uuid", users=("user_id",), hidden=("secret", "last_step"),
        are_deleted=True,
    ),
    Table("user_identity", "company_id uuid, issuer text, subject text", users=("user_id",), are_deleted=True),
    Table(
        "sign_in_session", "company_id uuid, id uuid", users=("user_id",), hidden=("token_hash", "session_epoch"),
        are_deleted=True,
    ),
    Table("sign_in_link", "company_id uuid, id uuid", users=("user_id",), hidden=("token_hash",), are_deleted=True),
    Table("account_mail", "company_id uuid, id uuid", addresses=("address",), are_deleted=True),
    Table(
        "api_key", "company_id uuid, id uuid", (Column("name", most=255),), users=("user_id",), hidden=("secret_hash",)
    ),
    Table(
        "idempotency_key", "company_id uuid, api_key_id uuid, route text, key text",
        (Column("body", Form.BODY), Column("location")),
        condition="t.api_key_id in (select k.id from api_key k where k.user_id = any($users))",
        hidden=("fingerprint", "body"),
    ),
    Table(
        "saved_view", "company_id uuid, id uuid", _texts("name query", {"name": 255, "query": 1000}),
        users=("user_id",),
    ),
    Table(
        "subscription", "company_id uuid, id uuid", _texts("description disabled_reason", {"description": 255}),
        users=("created_by",),
    ),
)  # fmt: skip
"""Accounts, and what is only theirs."""

TICKETS = (
    Table(
        "ticket", "company_id uuid, number bigint",
        (
            *_texts("title description contact_name contact_phone contact_email service_label service_id", {
                "title": 255, "description": 32000, "contact_name": 255, "contact_phone": 64, "contact_email": 254,
                "service_id": 64,
            }),
            Column("tags", Form.TAGS), Column("external_ids", _JSON, within="external_ids"),
            Column("waiting", _JSON, within="waiting"), Column("closure", _JSON), Column("reminder", _JSON),
            Column("fault", _JSON), Column("fields", Form.OWN_FIELDS),
        ),
        users=("created_by",), addresses=("contact_email",), ticket="number",
    ),
    Table(
        "ticket_contact", "company_id uuid, ticket_number bigint, id bigint",
        _texts("name phone email", {"name": 255, "phone": 64, "email": 254}), addresses=("email",),
        ticket="ticket_number",
    ),
    Table(
        "ticket_case", "company_id uuid, ticket_number bigint, id uuid",
        _texts("party number contact_name contact_phone contact_email notes created_by updated_by", {
            "party": 120, "number": 100, "contact_name": 255, "contact_phone": 64, "contact_email": 254,
            "notes": 4000,
        }),
        addresses=("contact_email",), ticket="ticket_number",
    ),
    Table(
        "ticket_merge", "company_id uuid, ticket_number bigint", (Column("waiting_before", _JSON, within="waiting"),)
    ),
    Table(
        "ticket_watcher", "company_id uuid, ticket_number bigint, user_id uuid", users=("user_id",), are_deleted=True,
    ),
    Table(
        "note", "company_id uuid, ticket_number bigint, number bigint",
        (Column("author", author="created_by"), Column("text", most=4000), Column("trimmed_text")),
        users=("created_by",),
        condition="t.mail_id in (select i.id from inbound_mail i where lower(i.sender) = any($addresses))",
        ticket="ticket_number",
    ),
    Table(
        "attachment", "company_id uuid, ticket_number bigint, id uuid",
        (Column("name", most=255), Column("author", author="created_by")), users=("created_by",),
        ticket="ticket_number",
    ),
    Table(
        "held_file", "company_id uuid, ticket_number bigint, id uuid", (Column("name", most=255),), users=("user_id",)
    ),
    Table(
        "draft", "company_id uuid, user_id uuid, ticket_number bigint, visibility text, writer text",
        (Column("text", most=16000), Column("facts", _JSON)), users=("user_id",),
    ),
    Table(
        "pending_message", "company_id uuid, ticket_number bigint, id uuid",
        (
            Column("author", author="user_id"), Column("text"), Column("failure"), Column("facts", _JSON),
            Column("macro", _JSON),
        ),
        users=("user_id",),
    ),
    Table(
        "feedback", "company_id uuid, ticket_number bigint, resolved_at timestamptz, recipient text",
        _texts("recipient comment", {"recipient": 254, "comment": 2000}), addresses=("recipient",),
    ),
    Table(
        "redaction", "company_id uuid, ticket_number bigint, id uuid",
        (Column("reason", most=500), Column("user_name", author="user_id")), users=("user_id",), hidden=("sealed",),
    ),
    Table("erasure", "id uuid", (Column("reason", most=500), Column("user_name", author="user_id")), company=None),
    Table(
        "ticket_template", "company_id uuid, id uuid",
        (
            *_texts("name title description", {"name": 255, "title": 255, "description": 32768}),
            Column("fields", Form.OWN_FIELDS), Column("tags", Form.TAGS),
        ),
    ),
    Table(
        "service", "company_id uuid, id text",
        (
            *_texts("label customer_label carrier carrier_circuit_id", {
                "label": 255, "customer_label": 255, "carrier": 255, "carrier_circuit_id": 255,
            }),
            Column("ends", _JSON), Column("fields", _JSON, within="fields"),
        ),
    ),
)  # fmt: skip
"""Tickets and what belongs to them, and the services that they are about."""

MAIL = (
    Table(
        "inbound_mail", "id uuid",
        (*_texts("sender envelope_from subject"), Column("reason", most=255), Column("raw", Form.MAIL)),
        addresses=("sender", "envelope_from"), hidden=("raw", "fingerprint", "body_hash"), at_once=25,
    ),
    Table(
        "outbound_mail", "company_id uuid, id uuid",
        (
            *_texts("recipient subject last_error", {"recipient": 254, "last_error": 500}),
            Column("message", Form.MAIL),
        ),
        users=("user_id",), addresses=("recipient",), hidden=("message",), at_once=25,
    ),
    Table(
        "mail_reference", "company_id uuid, ticket_number bigint, message_id text", _texts("recipient"),
        addresses=("recipient",),
    ),
    Table("mail_opt_out", "company_id uuid, recipient text, topic text", addresses=("recipient",), are_deleted=True),
    Table("mail_suppression", "address text", addresses=("address",), company=None, are_deleted=True),
)  # fmt: skip
"""Mail both ways."""

WORK = (
    Table(
        "event", "company_id uuid, xid xid8, id bigint",
        (Column("data", _JSON), Column("actor_name", author="actor_id")), users=("actor_id",),
    ),
    Table(
        "notification", "company_id uuid, id bigint", (Column("data", _JSON), *_texts("recipient actor_name")),
        users=("user_id",), addresses=("recipient",),
    ),
    Table("delivery", "company_id uuid, subscription_id uuid, number bigint", (Column("body", Form.BODY),)),
    Table(
        "delivery_attempt", "company_id uuid, subscription_id uuid, delivery_number bigint, number integer",
        _texts("answer error", {"answer": 2000, "error": 255}),
    ),
    Table(
        "job", "company_id uuid, id uuid", (Column("request", _JSON), Column("actor_name", author="user_id")),
        users=("user_id",),
    ),
    Table(
        "job_item", "company_id uuid, job_id uuid, position integer",
        (Column("input", _JSON), Column("detail", most=2000)),
    ),
    Table(
        "bulk_change", "company_id uuid, user_id uuid, id uuid, ticket_number bigint",
        (Column("inverse", _JSON), Column("refusal")), users=("user_id",),
    ),
    Table(
        "handover", "id uuid",
        (Column("user_name", author="user_id"), Column("note", most=4000), Column("work", _JSON)),
        users=("user_id",), company=None,
    ),
    Table(
        "company", "id uuid",
        (Column("notice_addresses", _JSON), Column("contact_rules", _JSON), Column("fields", _JSON, within="fields")),
        condition="exists (select from unnest($addresses::text[]) a"
        " where position(a in lower(t.notice_addresses::text)) > 0)", company="id",
    ),
    Table("macro", "id uuid", _texts("name text", {"name": 255, "text": 4000}), company=None),
    Table("queue", "id uuid", _texts("description sender_name", {"description": 1000}), company=None),
)  # fmt: skip
"""What happened, what was done, and the settings that people's names stand in."""

TABLES = (*ACCOUNTS, *TICKETS, *MAIL, *WORK)
