"""Every column that can hold words is either redacted, or holds none that people wrote about a ticket."""

from clearline.platform.database.transactions import Database

REDACTED = {
    "attachment": {"name"},
    "bulk_change": {"inverse", "refusal"},
    "delivery": {"body"},
    "delivery_attempt": {"answer", "error"},
    "draft": {"facts", "text"},
    "event": {"data"},
    "feedback": {"comment"},
    "handover": {"note", "work"},
    "held_file": {"name"},
    "idempotency_key": {"body", "location"},
    "inbound_mail": {"envelope_from", "raw", "reason", "sender", "subject"},
    "job": {"request"},
    "job_item": {"detail", "input"},
    "note": {"text", "trimmed_text"},
    "notification": {"data"},
    "outbound_mail": {"last_error", "message", "subject"},
    "pending_message": {"facts", "failure", "macro", "text"},
    "ticket": {
        "closure", "contact_name", "contact_phone", "description", "external_ids", "fault", "fields", "reminder",
        "service_id", "service_label", "tags", "title", "waiting",
    },
    "ticket_case": {"contact_name", "contact_phone", "notes", "number", "party"},
    "ticket_contact": {"name", "phone"},
    "ticket_field": {"value"},
    "ticket_merge": {"waiting_before"},
    "ticket_search": {"vector"},
}  # fmt: skip
"""What a redaction rewrites. Whoever adds a column for words adds it here, and to the store that rewrites its table."""

WORDLESS = {
    "attachment": {"author", "media_type", "sha256", "source", "visibility"},
    "delivery": {"state", "type"},
    "delivery_action": {"action"},
    "draft": {"then_status", "visibility", "writer"},
    "event": {"actor_name", "type"},
    "feedback": {"rating", "recipient"},
    "handover": {"user_name"},
    "held_file": {"media_type", "sha256"},
    "idempotency_key": {"fingerprint", "key", "route"},
    "inbound_mail": {"body_hash", "envelope_to", "fingerprint", "message_id", "state"},
    "job": {"actor_name", "kind", "scopes", "state"},
    "job_item": {"code", "outcome"},
    "mail_reference": {"message_id", "recipient"},
    "note": {"author", "channel", "source", "visibility"},
    "notification": {"actor_name", "channel", "recipient", "type"},
    "outbound_mail": {"kind", "message_id", "recipient", "state"},
    "pending_message": {"author", "then_status", "visibility"},
    "redaction": {"after", "reason", "sealed", "step", "target", "target_id", "user_name"},
    "ticket": {
        "asked_priority", "asked_severity", "channel", "contact_email", "impact", "issue_type", "priority",
        "service_type", "severity", "status", "sub_status",
    },
    "ticket_case": {"contact_email", "created_by", "kind", "state", "updated_by"},
    "ticket_contact": {"email", "kind", "roles"},
    "ticket_link": {"type"},
    "ticket_merge": {"status_before", "sub_status_before"},
    "timer": {"kind"},
}  # fmt: skip
"""Words of the program, names and addresses of people, hashes and ids, by table."""

WITHOUT_TICKETS = {
    "account_mail", "api_key", "app_user", "branding", "company", "consumer", "erasure", "field", "form",
    "identity_provider",
    "issue_type", "list_columns", "logo", "macro", "mail_domain", "mail_opt_out", "mail_suppression",
    "mail_template", "mailbox", "notification_settings", "priority_matrix", "queue", "recovery_code",
    "retention_run", "routing_rule", "saved_view", "schema_migration", "second_factor", "second_factor_role",
    "server_secret", "service", "service_type", "sign_in_attempt", "sign_in_challenge", "sign_in_flow", "sign_in_link",
    "sign_in_session", "subscription", "team", "term", "ticket_template", "tier", "user_identity", "user_password",
}  # fmt: skip
"""Tables about something else than tickets."""


async def test_every_column_of_words_is_redacted_or_holds_none(database: Database) -> None:
    async with database.statement() as tx:
        rows = await tx.fetch(
            """select table_name, array_agg(column_name::text) from information_schema.columns
                where table_schema = 'public' and udt_name in ('text', '_text', 'jsonb', 'bytea', 'tsvector', 'varchar')
                group by table_name"""
        )
    columns = {table: set(names) for table, names in rows if table not in WITHOUT_TICKETS}
    known = {table: REDACTED.get(table, set()) | WORDLESS.get(table, set()) for table in {*REDACTED, *WORDLESS}}
    assert columns == known
    assert not any(REDACTED[table] & WORDLESS.get(table, set()) for table in REDACTED)
