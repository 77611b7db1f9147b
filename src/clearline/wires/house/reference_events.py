"""House API v1: an example of what a webhook sends of each type of event, made by the code that sends it."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec

from clearline.events import domain as facts
from clearline.events.domain import Change, Fact, RecordChanged
from clearline.events.event_types import Audience, EventType
from clearline.events.store import Event, Offset, encode
from clearline.webhooks.delivery_domain import PING, ping_body
from clearline.webhooks.subscription_domain import Subscription
from clearline.wires.house.event_stream.webhook_body import webhook_body

_AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
_COMPANY = UUID("0f8fad5b-d9cb-469f-a165-70867728950e")
_USER = "6f1de5a8-55f5-4c64-9fdc-2f0a3c3f5f11"
_QUEUE = "c0a80164-7b1c-4d5e-9a37-0d5d1b0a9d11"
_TEAM = "b9a4f2f0-6a0b-4c3e-9d6e-2e5b7f1c8a33"
_RECORD = "7b1c1f0e-5f0c-4d5e-9a37-0d5d1b0a9d11"
_TICKET, _OTHER, _NOTE = 42, "INC000000000041", 107
_OFFSET = Offset(52881, 81523)

_TICKET_FACTS: tuple[facts.TicketFact, ...] = (
    facts.TicketCreated("acknowledged", "high", "API"),
    facts.NoteAdded("public", "seller"),
    facts.StatusChanged(
        "in_progress",
        "held",
        "",
        "with_carrier",
        {"reason": "third_party", "text": "They splice on Tuesday", "case": "Fernhill Access FH-2026-00731"},
    ),
    facts.TicketChanged([Change("priority", "high", "critical")]),
    facts.TicketAssigned(None, _USER, "round_robin"),
    facts.TicketRouted(None, _QUEUE, "Ports down"),
    facts.WatcherChanged(_USER, watches=True),
    facts.ContactAdded("Nia Roy", "nia@example.com", ["technical"]),
    facts.ContactChanged("Nia Roy", "nia@example.com", [Change("roles", ["technical"], ["technical", "on_duty"])]),
    facts.ContactRemoved("Nia Roy", "nia@example.com", ["technical"]),
    facts.CopyAdded("", "noc@example.org"),
    facts.CopyRemoved("", "noc@example.org"),
    facts.CaseAdded(
        _RECORD,
        "Fernhill Access",
        "FH-2026-00731",
        [Change("party", None, "Fernhill Access"), Change("number", None, "FH-2026-00731")],
    ),
    facts.CaseChanged(_RECORD, "Fernhill Access", "FH-2026-00731", [Change("state", "open", "resolved")]),
    facts.CaseRemoved(
        _RECORD,
        "Fernhill Access",
        "FH-2026-00731",
        [Change("party", "Fernhill Access", None), Change("number", "FH-2026-00731", None)],
    ),
    facts.TicketLinked("related", _OTHER),
    facts.TicketUnlinked("related", _OTHER),
    facts.TicketMerged(_OTHER),
    facts.TicketUnmerged(_OTHER),
    facts.AttachmentAdded(_RECORD, 48213, "public"),
    facts.AttachmentRemoved(_RECORD, "public"),
    facts.TicketReminded(_AT, "Ask the carrier for news", "Mara Lind"),
    facts.TicketRated(_RECORD, None, "good"),
    facts.TicketRedacted(_RECORD, "note", "public", 2),
)
_NAMES = {
    "api_key": "Dashboard",
    "company": "Example Freight",
    "branding": "Branding",
    "field": "ticket circuit_ref",
    "form": "Fibre cut, customer",
    "handover": "Core NOC",
    "person": "Personal data",
    "identity": "Mara Lind",
    "identity_provider": "Example sign-in",
    "inbound_mail": "ana@example.com",
    "issue_type": "Fibre cut",
    "job": "bulk",
    "macro": "Optic replaced",
    "ticket_template": "Fibre cut",
    "mail_domain": "example.com",
    "mail_opt_out": "ana@example.com",
    "mail_suppression": "ana@example.com",
    "mail_template": "Ticket received (en)",
    "mailbox": "support@example.net",
    "password": "Mara Lind",
    "priority_matrix": "Priority matrix",
    "queue": "Ports",
    "routing_rule": "Ports down",
    "second_factor": "Mara Lind",
    "service": "Amsterdam port, 10G",
    "service_type": "Wavelength",
    "session": "Mara Lind",
    "sign_in_link": "Mara Lind",
    "sign_in_policy": "sign-in",
    "subscription": "https://hooks.example.com",
    "team": "Core NOC",
    "term": "Third party",
    "tier": "Gold",
    "user": "Ana Ruiz",
    "view": "Open ports",
}
"""What records of each kind are called."""
_IDS = {
    "priority_matrix": "priority_matrix",
    "service": "NET-AMS-0012", "tier": "gold", "mail_suppression": "ana@example.com", "company": str(_COMPANY),
    "team": _TEAM,
}  # fmt: skip
"""Ids of records that have no id of their own, or one that stands elsewhere in the examples."""
_CHANGES: dict[str, list[Change]] = {
    "company.created": [Change("name", None, "Example Freight"), Change("code", None, "EXF001")],
    "company.changed": [Change("mails_contacts", before=True, after=False)],
    "company.fields_changed": [Change("fields.margin", None, 12.5)],
    "user.created": [Change("name", None, "Ana Ruiz"), Change("email", None, "ana@example.com")],
    "user.changed": [Change("phone", "", "+1-555-0100")],
    "person.exported": [Change("accounts", None, [_RECORD])],
    "person.erased": [Change("accounts", [_RECORD], [])],
    "api_key.created": [Change("prefix", None, "clk_4vJ2q8"), Change("scopes", None, ["tickets:read"])],
    "service.created": [Change("type", None, "Port"), Change("label", None, "Amsterdam port, 10G")],
    "service.changed": [Change("label", "Amsterdam port", "Amsterdam port, 10G")],
    "service.carrier_changed": [Change("carrier_circuit_id", None, "FH-112-A")],
    "service.fields_changed": [Change("fields.margin", None, 12.5)],
    "tier.created": [Change("label", None, "Gold")],
    "tier.changed": [Change("is_active", before=True, after=False)],
    "issue_type.created": [Change("key", None, "Fibre cut"), Change("priority", None, "critical")],
    "issue_type.changed": [Change("is_active", before=True, after=False)],
    "service_type.created": [Change("key", None, "Wavelength"), Change("console_connect", None, "Connection (L2)")],
    "service_type.changed": [Change("customer_name_de", "", "Wellenlänge")],
    "priority_matrix.changed": [Change("gold.down.high.priority", "high", "critical")],
    "team.created": [Change("name", None, "Core NOC")],
    "team.changed": [Change("member", None, _USER)],
    "queue.created": [Change("name", None, "Ports"), Change("team_id", None, _TEAM)],
    "queue.changed": [Change("assignment", "manual", "round_robin")],
    "routing_rule.created": [Change("position", None, 1), Change("queue_id", None, _QUEUE)],
    "routing_rule.changed": [Change("position", 2, 1)],
    "macro.changed": [Change("name", "Optic", "Optic replaced")],
    "term.changed": [Change("label", "Carrier", "Third party")],
    "view.changed": [Change("name", "Ports", "Open ports")],
    "job.cancelled": [Change("state", "running", "cancelled")],
    "job.finished": [Change("state", "running", "done")],
    "mail_domain.changed": [Change("state", "pending", "verified")],
    "mailbox.created": [Change("address", None, "support@example.net"), Change("name", None, "Support")],
    "mail_template.changed": [Change("subject", "{{ ticket.title }}", "Received: {{ ticket.title }}")],
    "mailbox.changed": [Change("name", "Help", "Support")],
}
"""What an event says of the values of a record. Those of other types say nothing in the example."""


def webhook_examples() -> dict[str, Any]:
    """Return the body of each type of event, and of a ping, by its type."""
    ticket_facts = {fact.__struct_config__.tag: fact for fact in _TICKET_FACTS}
    bodies = {PING: _ping()}
    for kind in EventType:
        body = webhook_body(_event(ticket_facts.get(kind) or _record(kind)), Audience.STAFF)
        if body is not None:
            bodies[kind.value] = body
    return {kind: msgspec.json.decode(body) for kind, body in bodies.items()}


def _record(kind: EventType) -> RecordChanged:
    name, _, action = kind.partition(".")
    return RecordChanged(name, action, _IDS.get(name, _RECORD), _NAMES[name], _CHANGES.get(kind, []))


def _event(fact: Fact) -> Event:
    """Return a stored event of a fact, as consumers read it."""
    kind, data = encode(fact)
    is_of_ticket = not isinstance(fact, RecordChanged)
    is_note = isinstance(fact, facts.NoteAdded)
    version = (1 if isinstance(fact, facts.TicketCreated) else 3) if is_of_ticket else None
    return Event(
        _OFFSET, _COMPANY, _AT, kind, _TICKET if is_of_ticket else None, _NOTE if is_note else None,
        UUID(_USER), "Mara Lind", msgspec.json.decode(data), version, version,
    )  # fmt: skip


def _ping() -> bytes:
    subscription = Subscription(
        _COMPANY, UUID(_RECORD), "https://hooks.example.com/desk", "", (), is_active=True, disabled_reason=None,
        generation=1, previous_until=None, failures=0, failing_since=None, resume_at=None, created_by=None,
        created_at=_AT, updated_at=_AT,
    )  # fmt: skip
    return ping_body(subscription, _AT)
