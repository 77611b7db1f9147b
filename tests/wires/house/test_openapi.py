"""The OpenAPI document of the house API is complete, consistent and correct."""

import contextlib
import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import msgspec
import pytest
from msgspec import Struct, inspect

from clearline.identity import Role
from clearline.platform.database.transactions import Database
from clearline.settings.settings import Settings
from clearline.web.docs.shapes import shape
from clearline.wires.house.reference import openapi
from clearline.wires.house.routes import OPERATIONS
from clearline.wires.house.tickets import wire
from clearline.wires.house.wire import Page, Problem
from clearline.wires.http.body import BadRequest, read_members, violations
from clearline.wires.http.table import Operation
from tests.builders.documents import nodes
from tests.builders.house import ANY, TICKETS, new_ticket, order
from tests.builders.people import Tenant, staff_key

DOCUMENT = openapi(Settings())
SCHEMAS: dict[str, Any] = DOCUMENT["components"]["schemas"]
METHODS = {"get", "post", "put", "patch", "delete"}


def described() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield every operation of the document, with its path and method."""
    for path, item in DOCUMENT["paths"].items():
        for method, operation in item.items():
            yield path, method, operation


def name_of(operation: Operation) -> str:
    return operation.name


def test_the_document_describes_exactly_the_operations_of_the_table() -> None:
    table = {
        (re.sub(r":\w+}", "}", operation.path), operation.method.lower(), operation.name) for operation in OPERATIONS
    }
    assert {(path, method, operation["operationId"]) for path, method, operation in described()} == table
    assert len(table) == len(OPERATIONS), "two operations have one path and method"
    assert {method for _path, method, _operation in described()} <= METHODS


def test_operation_names_are_unique() -> None:
    names = [operation["operationId"] for _path, _method, operation in described()]
    assert sorted(set(names)) == sorted(names)
    assert [name for name in names if not re.fullmatch("[a-z][A-Za-z]+", name)] == []


def test_every_reference_has_a_target() -> None:
    references = [node["$ref"] for node in nodes(DOCUMENT) if "$ref" in node]
    assert references
    for ref in references:
        target: Any = DOCUMENT
        for part in ref.removeprefix("#/").split("/"):
            assert part in target, ref
            target = target[part]


def test_schema_names_can_be_part_of_a_url() -> None:
    assert [name for name in SCHEMAS if not re.fullmatch("[A-Za-z0-9]+", name)] == []


def test_every_schema_is_used() -> None:
    used = {node["$ref"].rpartition("/")[2] for node in nodes(DOCUMENT) if "$ref" in node}
    assert set(SCHEMAS) - used == set()


def test_the_document_has_a_version_a_title_and_a_description() -> None:
    assert DOCUMENT["openapi"].startswith("3.1.")
    assert set(DOCUMENT["info"]) >= {"title", "version", "description"}
    assert json.loads(json.dumps(DOCUMENT)) == DOCUMENT


@pytest.mark.parametrize(
    ("path", "method", "operation"),
    [*described()],
    ids=[operation["operationId"] for _path, _method, operation in described()],
)
def test_an_operation_is_described_completely(path: str, method: str, operation: dict[str, Any]) -> None:
    assert operation["summary"]
    assert operation["description"]
    parameters = operation["parameters"]
    declared = {parameter["name"] for parameter in parameters if parameter["in"] == "path"}
    assert declared == set(re.findall(r"{(\w+)}", path))
    assert len({(parameter["in"], parameter["name"]) for parameter in parameters}) == len(parameters)
    for parameter in parameters:
        assert parameter["in"] in {"path", "query", "header"}
        assert parameter["in"] != "path" or parameter["required"] is True
        assert parameter.get("description"), f"{parameter['name']} has no description"
        assert isinstance(parameter["schema"], dict)
    assert "requestBody" not in operation or method in {"post", "put", "patch"}
    for status, answer in operation["responses"].items():
        assert re.fullmatch("[2-5][0-9]{2}", status)
        assert answer["description"]
        if int(status) >= 400:
            content = answer["content"]["application/problem+json"]
            assert content["schema"] == {"$ref": "#/components/schemas/Problem"}
    assert sum(status.startswith("2") for status in operation["responses"]) >= 1


def test_a_server_says_how_long_it_keeps_answers_for_retries() -> None:
    posts = [operation["description"] for _path, method, operation in described() if method == "post"]
    assert [text for text in posts if "for 24 hours the same key" not in text] == []
    longer = openapi(Settings(keep_idempotency_keys_days=3))["paths"]["/api/v1/tickets"]["post"]["description"]
    assert "for 72 hours the same key" in longer


def test_no_schema_accepts_anything() -> None:
    for name, schema in SCHEMAS.items():
        for member, property_schema in schema.get("properties", {}).items():
            assert shape(property_schema) != "anything", f"{name}.{member}"


@pytest.mark.parametrize("operation", OPERATIONS, ids=name_of)
def test_operations_accept_no_unknown_members(operation: Operation) -> None:
    for kind in (operation.body, operation.query):
        assert kind is None or kind.__struct_config__.forbid_unknown_fields, kind
    assert (operation.body is None) or operation.method in {"POST", "PUT", "PATCH"}
    assert operation.body is not None or operation.stage is not None or operation.method not in {"POST", "PATCH"}


async def test_the_document_and_its_page_need_no_key(client: httpx.AsyncClient) -> None:
    document = await client.get("/api/v1/openapi.json")
    assert (document.status_code, document.json()) == (200, DOCUMENT)
    page = await client.get("/docs/api")
    assert page.status_code == 200
    for operation in OPERATIONS:
        assert f'id="{operation.name}"' in page.text
    for name in SCHEMAS:
        assert f'id="schema-{name}"' in page.text
    links = set(re.findall(r'href="#([^"]+)"', page.text))
    assert links <= set(re.findall(r'id="([^"]+)"', page.text))


# Values of every kind of JSON, and texts that some rules refuse.
HALF = "\\ud800"
WRONG: tuple[Any, ...] = (
    None, True, 0, -1, 10**18, 10**30, 1.5, 1.0, "", "x", "x" * 5000, "\x00", "\ud800", "a\n", "2026-03-01", [], ["x"],
    [None], {}, {"x": 1}, {"\ud800": 1}, [[]], [{}],
)  # fmt: skip


def values(kind: inspect.Type) -> Iterator[Any]:
    """Yield invalid values for a type, including those of its parts."""
    yield from WRONG
    yield from _values_of_parts(kind)


def _values_of_parts(kind: inspect.Type) -> Iterator[Any]:
    """Yield values that are invalid in a part. The alternatives of a union have the others in common."""
    match kind:
        case inspect.Metadata():
            yield from _values_of_parts(kind.type)
        case inspect.UnionType(types=types):
            for part in types:
                yield from _values_of_parts(part)
        case inspect.ListType(item_type=item) | inspect.VarTupleType(item_type=item):
            yield from ([value] for value in values(item))
        case inspect.DictType(value_type=item):
            yield from ({"a.b": value} for value in values(item))
        case inspect.StructType(fields=fields, tag=tag, tag_field=tag_field):
            for field in fields:
                for value in values(field.type):
                    yield {field.encode_name: value, **({tag_field: tag} if tag_field else {})}


@pytest.mark.parametrize(
    "kind",
    sorted({kind for operation in OPERATIONS for kind in (operation.body, operation.query) if kind}, key=str),
    ids=lambda kind: kind.__name__,
)
def test_every_invalid_body_or_query_is_reported(kind: type[Struct]) -> None:
    is_query = kind in {operation.query for operation in OPERATIONS}
    for value in values(inspect.type_info(kind)):
        if not isinstance(value, dict) or (is_query and not all(isinstance(item, str) for item in value.values())):
            continue
        with contextlib.suppress(BadRequest):  # any other exception is an internal error
            read_members(value, kind, text=is_query)
            continue
        assert violations(value, kind, text=is_query) or HALF in str(list(value)), value


async def test_the_responses_have_the_types_of_the_table(
    client: httpx.AsyncClient, tenant: Tenant, database: Database
) -> None:
    agent = await staff_key(database, Role.AGENT)
    path = f"{TICKETS}/{(await new_ticket(client, tenant))['number']}"
    answers = [
        (Page[wire.TicketSummary], await client.get(TICKETS, headers=agent)),
        (wire.TicketOut, await client.post(TICKETS, headers=tenant.headers, json=order())),
        (wire.TicketOut, await client.get(path, headers=agent)),
        (wire.TicketOut, await client.patch(path, headers=agent | ANY, json={"tags": ["a"], "assignee": "me"})),
        (wire.TicketOut, await client.post(f"{path}/status", headers=agent, json={"status": "held"})),
        (wire.TicketOut, await client.post(f"{path}/tags", headers=agent, json={"add": ["b"]})),
        (wire.NoteOut, note := await client.post(f"{path}/notes", headers=tenant.headers, json={"text": "x"})),
        (wire.NoteOut, await client.get(note.headers["location"], headers=agent)),
        (Page[wire.NoteOut], await client.get(f"{path}/notes", headers=agent)),
        (Page[wire.EventOut], await client.get(f"{path}/history", headers=tenant.headers)),
        (Problem, await client.get(TICKETS)),
    ]
    for kind, answer in answers:
        assert "internal" not in answer.text
        body = msgspec.json.decode(answer.content, type=kind)
        assert json.loads(msgspec.json.encode(body)) == answer.json()
