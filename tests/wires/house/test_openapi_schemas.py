"""The schemas of the house API's document are precise, have valid examples, and mean the same in every program."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

import httpx
import jsonschema_rs
import pytest

from clearline.events.event_types import EventType
from clearline.settings.settings import Settings
from clearline.webhooks.delivery_domain import PING
from clearline.wires.house.reference import openapi
from tests.builders.documents import nodes
from tests.builders.house import TICKETS, order, problem
from tests.builders.people import Tenant
from tests.patience import patient

DOCUMENT = openapi(Settings())
SCHEMAS: dict[str, Any] = DOCUMENT["components"]["schemas"]
NODE = shutil.which("node")
TEXTS = [
    "", "a", "a\n", "\n", "08:00", "08:00\n", "24:00", "INC000000000042", "INC000000000042\n", "inc000000000042",
    "WLG000000000107", "a@b", "a@b\n", "a b@c", "a@@b", "é@ü", "https://hooks.example.com/desk", "https://[::1]:80/?a",
    "https://a:b@c/", "https://example.com/#x", "http://a\n", "ticket.", "ticket.created", "ticket.,note.", "ticket",
    "vip", "-vip", "é", "ü-1", "a/b", "a\\b", "a\x00b", "a\x85b", "\u2028", "imap.example.net", "imap example",
    '"a b"', '"a', "key-1", "a b", "[]", "a-b_c.d:e/f", "😀", "\u017f", "\u212a",
]  # fmt: skip


def patterns() -> list[str]:
    return sorted({node["pattern"] for node in nodes(DOCUMENT) if isinstance(node.get("pattern"), str)})


def members() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for name, schema in SCHEMAS.items():
        for member, one in schema.get("properties", {}).items():
            for choice in one.get("anyOf", [one]):
                if choice != {"type": "null"}:
                    yield name, member, choice


def parameters() -> Iterator[tuple[str, dict[str, Any]]]:
    for item in DOCUMENT["paths"].values():
        for operation in item.values():
            for parameter in operation["parameters"]:
                yield operation["operationId"], parameter


def taken(name: str) -> set[str]:
    """Return the operations that take a header."""
    return {operation for operation, one in parameters() if (one["in"], one["name"]) == ("header", name)}


def operations(method: str) -> set[str]:
    return {item[method]["operationId"] for item in DOCUMENT["paths"].values() if method in item}


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_schema_has_an_example_that_is_valid(name: str) -> None:
    [example] = SCHEMAS[name]["examples"]
    jsonschema_rs.validate(SCHEMAS[name] | {"components": DOCUMENT["components"]}, example, validate_formats=True)
    placeholders = re.findall(r'"(\w+)": "([^"]*)"', json.dumps(example))
    assert [member for member, text in placeholders if member.replace("_", " ") == text] == [], "give it a sample value"


def test_times_ids_and_urls_have_a_format() -> None:
    without = [(name, member, "format" in one) for name, member, one in members() if one.get("type") == "string"]
    times = [
        (name, member)
        for name, member, has in without
        if re.search("_(at|until|since)$|^(at|since)$", member) and not has
    ]
    assert [time for time in times if time not in CLOCKS] == []
    ids = {(name, member) for name, member, has in without if re.search("^(id|url)$|_id$", member) and not has}
    assert ids == NOT_UUIDS


CLOCKS = {("NotificationsOut", "digest_at"), ("NotificationsPatch", "digest_at")}
"""Times of day."""
NOT_UUIDS = {
    ("AuditEventOut", "id"), ("EventOut", "id"), ("StreamedEvent", "id"), ("NoteOut", "id"),
    ("InventoryIn", "id"), ("InventoryOut", "id"), ("InventoryIn", "carrier_circuit_id"),
    ("InventoryOut", "carrier_circuit_id"), ("InventoryPatch", "carrier_circuit_id"),
    ("ServiceIn", "id"), ("ServiceOut", "id"),
    ("InboundMailOut", "message_id"), ("InboundMailDetails", "message_id"),
    ("OutboundMailOut", "message_id"), ("OutboundMailWhole", "message_id"), ("Problem", "request_id"),
    ("RecordChange", "id"), ("Filters", "external_id"), ("MailTemplateOut", "id"), ("MailTemplateSummary", "id"),
    ("SubscriptionIn", "url"), ("SubscriptionPatch", "url"), ("PlaceIn", "id"), ("RedactionIn", "id"),
    ("RedactionOut", "target_id"),
}  # fmt: skip
"""Ids that are numbers, or that others choose; and URLs that a pattern describes more precisely."""


def test_the_headers_that_operations_take_are_declared() -> None:
    assert taken("Idempotency-Key") == operations("post")
    assert taken("If-None-Match") == operations("get")
    assert taken("Last-Event-ID") == {"followEvents"}
    assert taken("Range") == taken("If-Range") == {"downloadAttachment"}
    for path, item in DOCUMENT["paths"].items():
        if "post" in item:
            assert {"409", "422"} <= set(item["post"]["responses"]), path


async def test_a_key_for_retries_is_valid_exactly_when_the_document_says_so(
    client: httpx.AsyncClient, tenant: Tenant
) -> None:
    [schema] = [
        one["schema"] for name, one in parameters() if (name, one["name"]) == ("createTicket", "Idempotency-Key")
    ]
    keys = [
        '"a b"',
        '"',
        '""',
        "a",
        "a b",
        "!",
        "~",
        'a"',
        "x" * 255,
        "x" * 256,
        f'"{"x" * 255}"',
        f'"{"x" * 256}"',
        "é",
    ]
    for key in keys:
        is_valid = jsonschema_rs.is_valid(schema, key)
        headers = [*tenant.headers.items(), ("Idempotency-Key", key.encode("latin-1"))]
        answer = await client.post(TICKETS, headers=headers, json=order(title=f"With {key}"))  # type: ignore[arg-type]
        if is_valid:
            assert answer.status_code in {201, 422}, (key, answer.text)
        else:
            problem(answer, "malformed")


def test_a_file_goes_up_as_any_media_type_and_comes_down_as_bytes() -> None:
    binary = {"schema": {"type": "string", "format": "binary"}}
    at = DOCUMENT["paths"]["/api/v1/tickets/{number}/attachments"]["post"]
    assert at["requestBody"]["content"] == {"application/octet-stream": binary, "*/*": binary}
    down = DOCUMENT["paths"]["/api/v1/tickets/{number}/attachments/{id}/content"]["get"]
    for status in ("200", "206"):
        assert down["responses"][status]["content"] == {"application/octet-stream": binary, "*/*": binary}
    assert "Content-Range" in down["responses"]["206"]["headers"]


def test_every_type_of_event_is_described_as_a_webhook() -> None:
    assert set(DOCUMENT["webhooks"]) == {PING, *EventType}
    for kind, item in DOCUMENT["webhooks"].items():
        request = item["post"]
        assert [one["name"] for one in request["parameters"]] == [
            "webhook-id",
            "webhook-timestamp",
            "webhook-signature",
        ]
        name = request["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
        declared = SCHEMAS[name]["properties"]["type"]
        assert kind in declared.get("enum", [declared.get("const")])


def test_patterns_hold_no_construct_that_only_python_knows() -> None:
    for pattern in patterns():
        assert not re.search(r"\\[AZzGQE]|\(\?[PiLmsux#>]|[*+?}]\+", pattern), pattern


@pytest.mark.skipif(NODE is None, reason="there is no node")
def test_patterns_mean_the_same_in_ecma_262() -> None:
    program = """
    const [patterns, texts] = JSON.parse(require("fs").readFileSync(0, "utf8"));
    const verdicts = flag => patterns.map(pattern => texts.map(text => new RegExp(pattern, flag).test(text)));
    console.log(JSON.stringify(["", "u", "v"].map(verdicts)));
    """
    assert NODE is not None
    asked = json.dumps([patterns(), TEXTS])
    done = subprocess.run(
        [NODE, "-e", program], input=asked, capture_output=True, text=True, check=False, timeout=patient(60)
    )
    assert done.returncode == 0, done.stderr
    ours = [[re.search(re.sub(r"\$$", r"\\Z", pattern), text) is not None for text in TEXTS] for pattern in patterns()]
    for verdicts in json.loads(done.stdout)[1:]:
        assert verdicts == ours


@pytest.mark.parametrize(
    ("path", "body", "pointer"),
    [
        ("/me/notifications", {"digest_at": "08:00\n"}, "/digest_at"),
        ("/me/notifications", {"quiet_from": "08:00\n", "quiet_to": "09:00"}, "/quiet_from"),
    ],
)
async def test_a_line_feed_at_the_end_does_not_match_the_end_of_a_pattern(
    client: httpx.AsyncClient, tenant: Tenant, path: str, body: dict[str, Any], pointer: str
) -> None:
    answer = await client.patch(f"/api/v1{path}", headers=tenant.headers | {"If-Match": "*"}, json=body)
    assert [one["pointer"] for one in problem(answer, "invalid-input")["errors"]] == [pointer]


async def test_a_text_may_end_with_a_line_feed(client: httpx.AsyncClient, tenant: Tenant) -> None:
    answer = await client.post(TICKETS, headers=tenant.headers, json=order(description="No light\n", title="Port\n"))
    assert (answer.status_code, answer.json()["description"], answer.json()["title"]) == (201, "No light\n", "Port\n")
