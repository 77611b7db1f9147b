"""The data map knows every column that can hold words about people, or a line says why it has none."""

from clearline.platform.database.transactions import Database
from clearline.privacy.data_map import TABLES

KEPT = {
    "api_key": {"prefix", "scopes", "secret_hash"},
    "app_user": {"email", "name", "phone", "role", "language"},  # set by the erasure itself
    "attachment": {"media_type", "sha256", "source", "visibility"},
    "company": {"code", "ended", "inbound_cc", "language", "name", "tier", "time_zone"},
    "delivery": {"state", "type"},
    "draft": {"then_status", "visibility", "writer"},
    "erasure": {"after", "certificate", "code", "files", "hints", "rows", "sealed", "step"},
    "event": {"type"},
    "feedback": {"rating"},
    "held_file": {"media_type", "sha256"},
    "idempotency_key": {"fingerprint", "key", "route"},
    "inbound_mail": {"body_hash", "envelope_to", "fingerprint", "message_id", "state"},
    "job": {"kind", "scopes", "state"},
    "job_item": {"code", "outcome"},
    "macro": {"add_tags", "fields", "priority", "reminder", "status", "status_facts", "visibility"},
    "mail_reference": {"message_id"},
    "note": {"channel", "source", "visibility"},
    "notification": {"channel", "type"},
    "outbound_mail": {"kind", "message_id", "state"},
    "pending_message": {"then_status", "visibility"},
    "queue": {"assignment", "name", "sender_address"},
    "redaction": {"after", "sealed", "step", "target", "target_id"},
    "saved_view": {"columns", "sort"},
    "service": {"id", "state", "tier", "type"},
    "subscription": {"types", "url"},
    "ticket": {
        "asked_priority", "asked_severity", "channel", "impact", "issue_type", "priority", "service_type",
        "severity", "status", "sub_status",
    },
    "ticket_case": {"kind", "state"},
    "ticket_contact": {"kind", "roles"},
    "ticket_merge": {"status_before", "sub_status_before"},
    "ticket_template": {"issue_type", "priority", "service_id", "service_type"},
}  # fmt: skip
"""Columns of tables in the map with words of the program, keys, ids, hashes, and addresses of the desk's own."""

WITHOUT_PEOPLE = {
    "branding", "consumer", "delivery_action", "field", "form", "identity_provider", "issue_type", "logo",
    "mail_domain",
    "mail_template", "mailbox", "priority_matrix", "retention_run", "routing_rule", "schema_migration",
    "second_factor_role",
    "server_secret", "service_type", "team", "term", "tier", "timer", "ticket_link", "sign_in_attempt", "sign_in_flow",
}  # fmt: skip
"""Tables with settings of the desk, which its admins write, and with hashes that end in minutes."""
DERIVED = {"ticket_field", "ticket_search"}
"""Tables that are made from others when these are rewritten."""
OWN = {"recovery_code", "sign_in_challenge"}
"""Tables of the erasure itself, and what it deletes with an account."""


async def test_every_column_of_words_is_rewritten_or_deleted_or_holds_none(database: Database) -> None:
    async with database.statement() as tx:
        rows = await tx.fetch(
            """select table_name, array_agg(column_name::text) from information_schema.columns
                where table_schema = 'public' and udt_name in ('text', '_text', 'jsonb', 'bytea', 'tsvector', 'varchar')
                group by table_name"""
        )
    others = WITHOUT_PEOPLE | DERIVED | OWN
    columns = {table: set(names) for table, names in rows if table not in others}
    deleted = {table.name for table in TABLES if table.are_deleted}
    mapped = {table.name: {column.name for column in table.columns} for table in TABLES}
    missing = {
        table: names - mapped.get(table, set()) - KEPT.get(table, set())
        for table, names in columns.items()
        if table not in deleted
    }
    assert {table: names for table, names in missing.items() if names} == {}
    assert {name for name in mapped if mapped[name] & KEPT.get(name, set())} == set()
