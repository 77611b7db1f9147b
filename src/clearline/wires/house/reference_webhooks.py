"""House API v1: the requests of webhooks, as the ``webhooks`` section of its OpenAPI document."""

from typing import Any, get_args

import msgspec

from clearline.events.domain import Change, RecordChanged, TicketFact
from clearline.events.type_table import EVENT_TYPES
from clearline.webhooks.delivery_domain import PING
from clearline.wires.house.event_stream.wire import EventOut
from clearline.wires.house.reference_events import webhook_examples

_REF = "#/components/schemas/{name}"
_ENVELOPE = ("type", "at")
"""Members of an event that are members of the envelope, not of its data."""
_ANY = {
    "description": "Any JSON value.",
    "type": ["string", "number", "boolean", "array", "object", "null"],
    "items": {},
}
_UUIDS = {
    ("AttachmentAdded", "id"),
    ("AttachmentRemoved", "id"),
    ("CaseAdded", "id"),
    ("CaseChanged", "id"),
    ("CaseRemoved", "id"),
    ("TicketRated", "id"),
    ("TicketRedacted", "id"),
    ("WatcherChanged", "user_id"),
}
_TIME = {"type": "string", "format": "date-time"}
_HEADERS = (
    (
        "webhook-id",
        "The id of the delivery, the same on every attempt and replay.",
        {"type": "string", "format": "uuid"},
    ),
    (
        "webhook-timestamp",
        "The time of this attempt, in seconds since 1970.",
        {"type": "string", "pattern": "^[0-9]+$"},
    ),
    (
        "webhook-signature",
        "`v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`; during a rotation two, separated by a space.",
        {"type": "string"},
    ),
)
_RESPONSES = {
    "200": {"description": "Any status from 200 to 299: the delivery is delivered."},
    "410": {"description": "The subscription is disabled."},
}


def webhooks() -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the section, with an entry for each type of event, and the schemas that it uses."""
    facts = {fact.__struct_config__.tag: fact for fact in get_args(TicketFact)}
    components = _components([EventOut, Change, RecordChanged, *facts.values()])
    event = components["EventOut"]
    data = {name: schema for name, schema in event["properties"].items() if name not in {*_ENVELOPE, "data"}}
    records = [row.type.value for row in EVENT_TYPES.values() if row.record != "ticket"]
    schemas = {
        "EventActor": components["EventActor"],
        "Change": components["Change"] | {"properties": {"field": {"type": "string"}, "before": _ANY, "after": _ANY}},
        "RecordChange": _fact(components["RecordChanged"], ("kind", "action")),
        "RecordWebhook": _envelope({"enum": records}, data, "RecordChange"),
        "PingWebhook": _ping(),
    }
    examples = webhook_examples()
    section = {PING: _entry("PingWebhook", "A test of the subscription.", examples[PING])}
    for row in EVENT_TYPES.values():
        name = "RecordWebhook"
        if (fact := facts.get(row.type)) is not None:
            name = f"{fact.__name__}Webhook"
            schemas[fact.__name__] = _fact(components[fact.__name__], ("type",))
            schemas[name] = _envelope({"const": row.type.value}, data, fact.__name__)
        section[row.type.value] = _entry(name, row.sentence, examples[row.type.value])
    return section, schemas


def _components(kinds: list[Any]) -> dict[str, Any]:
    return msgspec.json.schema_components(kinds, ref_template=_REF)[1]


def _fact(schema: dict[str, Any], without: tuple[str, ...]) -> dict[str, Any]:
    """Return the schema of an event's own data. Long lists of changes are left out, so they are not required."""
    members = {
        name: member | ({"format": "uuid"} if (schema["title"], name) in _UUIDS else {})
        for name, member in schema["properties"].items()
        if name not in without
    }
    required = [] if "changes" in members else [name for name in schema["required"] if name in members]
    return schema | {"properties": members, "required": required}


def _envelope(kind: dict[str, Any], data: dict[str, Any], fact: str) -> dict[str, Any]:
    members = data | {
        "data": {"$ref": _REF.format(name=fact)},
        "shortened": {"type": "boolean", "description": "True when `data` was too long to be sent, and is empty."},
    }
    inner = {"type": "object", "properties": members, "required": [*data, "data"]}
    return _object("The body of a webhook.", {"type": kind, "timestamp": _TIME, "data": inner})


def _ping() -> dict[str, Any]:
    subscription = {"type": "string", "format": "uuid"}
    inner = {"type": "object", "properties": {"subscription": subscription}, "required": ["subscription"]}
    return _object("The body of a ping.", {"type": {"const": PING}, "timestamp": _TIME, "data": inner})


def _object(about: str, members: dict[str, Any]) -> dict[str, Any]:
    return {"description": about, "type": "object", "properties": members, "required": [*members]}


def _entry(schema: str, sentence: str, example: Any) -> dict[str, Any]:
    return {
        "post": {
            "summary": sentence,
            "description": "Verify the signature (Standard Webhooks 1.0) before you use the body.",
            "security": [],
            "parameters": [
                {"name": name, "in": "header", "required": True, "description": about, "schema": header}
                for name, about, header in _HEADERS
            ],
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": {"$ref": _REF.format(name=schema)}, "example": example}},
            },
            "responses": _RESPONSES,
        }
    }
