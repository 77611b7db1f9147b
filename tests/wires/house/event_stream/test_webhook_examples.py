"""The examples of webhooks in the OpenAPI document are what the code sends."""

from pathlib import Path
from typing import Any

import jsonschema_rs
import msgspec
import pytest

from clearline.clock import now
from clearline.demo import usecases as demo
from clearline.events import store as event_store
from clearline.events.event_types import Audience, EventType
from clearline.events.store import START, Event
from clearline.platform.database.transactions import Database
from clearline.settings.settings import Settings
from clearline.tickets.attachments.blobs import open_blobs
from clearline.webhooks.delivery_domain import PING
from clearline.wires.house.event_stream.webhook_body import webhook_body
from clearline.wires.house.reference import openapi

DOCUMENT = openapi(Settings())
EXAMPLES: dict[str, Any] = {
    kind: entry["post"]["requestBody"]["content"]["application/json"] for kind, entry in DOCUMENT["webhooks"].items()
}
TYPES_MIN = 25
"""How many types of events the demo data has at least."""


def members(value: Any, path: str = "") -> set[str]:
    """Return the paths of the members of a body; the values of changes can be anything."""
    if path.endswith((".before", ".after")):
        return {path}
    if isinstance(value, dict):
        return {path, *(inner for name, item in value.items() for inner in members(item, f"{path}.{name}"))}
    if isinstance(value, list):
        return {path, *(inner for item in value for inner in members(item, f"{path}[]"))}
    return {path}


def without_items(paths: set[str]) -> set[str]:
    return {path for path in paths if "[]" not in path}


@pytest.mark.parametrize("kind", [PING, *EventType])
def test_an_example_is_valid_for_its_schema(kind: str) -> None:
    content = EXAMPLES[kind]
    assert content["example"]["type"] == kind
    validator = jsonschema_rs.validator_for({**content["schema"], "components": DOCUMENT["components"]})
    validator.validate(content["example"])


async def stored_events(database: Database) -> list[Event]:
    async with database.transaction() as tx:
        return await event_store.read(tx, START, limit=10_000)


async def test_the_examples_have_the_members_of_what_is_sent(database: Database, tmp_path: Path) -> None:
    blobs = open_blobs(Settings(attachments=str(tmp_path)))
    await demo.load(database, blobs, mailbox="support@example.net", now=now(), progress=lambda _name: None)
    seen: dict[str, set[str]] = {}
    for event in await stored_events(database):
        body = webhook_body(event, Audience.STAFF)
        assert body is not None
        sent, example = members(msgspec.json.decode(body)), members(EXAMPLES[event.type]["example"])
        assert without_items(sent) <= without_items(example), event.type
        items = {path for path in sent if "[]" in path}
        assert items <= {*example, *change_paths()}, event.type
        seen.setdefault(event.type, set()).update(sent)
    assert len(seen) >= TYPES_MIN
    for kind, sent in seen.items():
        assert without_items(sent) == without_items(members(EXAMPLES[kind]["example"])), kind


def change_paths() -> set[str]:
    start = ".data.data.changes[]"
    return {start, *(f"{start}.{name}" for name in ("field", "before", "after", "is_public"))}
