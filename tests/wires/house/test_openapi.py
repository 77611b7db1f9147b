"""The document of the house API says what the API does, and what it says holds together."""

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
from clearline.web.docs import shape
from clearline.wires.house.reference import openapi
from clearline.wires.house.routes import OPERATIONS
from clearline.wires.house.tickets import wire
from clearline.wires.house.wire import Page, Problem
from clearline.wires.http.body import BadRequest, read_members, violations
from clearline.wires.http.table import Operation
from tests.builders.house import ANY, TICKETS, new_ticket, order
from tests.builders.people import Tenant, staff_key

DOCUMENT = openapi()
SCHEMAS: dict[str, Any] = DOCUMENT["components"]["schemas"]
METHODS = {"get", "post", "put", "patch", "delete"}


def described() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every operation of the document, with its path and method."""
    for path, item in DOCUMENT["paths"].items():
        for method, operation in item.items():
            yield path, method, operation


def nodes(value: Any) -> Iterator[dict[str, Any]]:
    """Every object within a value."""
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from nodes(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from nodes(inner)


def name_of(operation: Operation) -> str:
    return operation.name


def test_every_operation_of_the_table_is_described_and_no_other() -> None:
    table = {(re.sub(r":\w+}", "}", one.path), one.method.lower(), one.name) for one in OPERATIONS}
    assert {(path, method, one["operationId"]) for path, method, one in described()} == table
    assert len(table) == len(OPERATIONS), "two operations have one path and method"
    assert {method for _path, method, _one in described()} <= METHODS


def test_every_operation_has_a_name_of_its_own() -> None:
    names = [one["operationId"] for _path, _method, one in described()]
    assert sorted(set(names)) == sorted(names)
    assert [name for name in names if not re.fullmatch("[a-z][A-Za-z]+", name)] == []


def test_every_reference_leads_somewhere() -> None:
    found = [node["$ref"] for node in nodes(DOCUMENT) if "$ref" in node]
    assert found
    for ref in found:
        target: Any = DOCUMENT
        for part in ref.removeprefix("#/").split("/"):
            assert part in target, ref
            target = target[part]


def test_every_schema_has_a_name_of_its_own_that_can_be_in_an_address() -> None:
    assert [name for name in SCHEMAS if not re.fullmatch("[A-Za-z0-9]+", name)] == []


def test_every_schema_that_is_described_is_used() -> None:
    used = {node["$ref"].rpartition("/")[2] for node in nodes(DOCUMENT) if "$ref" in node}
    assert set(SCHEMAS) - used == set()


def test_the_document_says_what_it_is() -> None:
    assert DOCUMENT["openapi"].startswith("3.1.")
    assert set(DOCUMENT["info"]) >= {"title", "version", "description"}
    assert json.loads(json.dumps(DOCUMENT)) == DOCUMENT


@pytest.mark.parametrize(
    ("path", "method", "operation"), [*described()], ids=[one["operationId"] for _path, _method, one in described()]
)
def test_an_operation_is_described_in_full(path: str, method: str, operation: dict[str, Any]) -> None:
    assert operation["summary"]
    assert operation["description"]
    parameters = operation["parameters"]
    declared = {one["name"] for one in parameters if one["in"] == "path"}
    assert declared == set(re.findall(r"{(\w+)}", path))
    assert len({(one["in"], one["name"]) for one in parameters}) == len(parameters)
    for one in parameters:
        assert one["in"] in {"path", "query", "header"}
        assert one["in"] != "path" or one["required"] is True
        assert one.get("description"), f"{one['name']} has no description"
        assert isinstance(one["schema"], dict)
    assert "requestBody" not in operation or method in {"post", "put", "patch"}
    for status, answer in operation["responses"].items():
        assert re.fullmatch("[2-5][0-9]{2}", status)
        assert answer["description"]
        if int(status) >= 400:
            content = answer["content"]["application/problem+json"]
            assert content["schema"] == {"$ref": "#/components/schemas/Problem"}
    assert sum(status.startswith("2") for status in operation["responses"]) >= 1


def test_no_schema_is_told_as_anything() -> None:
    for name, schema in SCHEMAS.items():
        for member, one in schema.get("properties", {}).items():
            assert shape(one) != "anything", f"{name}.{member}"


@pytest.mark.parametrize("operation", OPERATIONS, ids=name_of)
def test_what_an_operation_takes_is_strict(operation: Operation) -> None:
    for kind in (operation.body, operation.query):
        assert kind is None or kind.__struct_config__.forbid_unknown_fields, kind
    assert (operation.body is None) or operation.method in {"POST", "PUT", "PATCH"}
    assert operation.body is not None or operation.stage is not None or operation.method not in {"POST", "PATCH"}


async def test_the_document_and_its_page_are_there_for_everybody(client: httpx.AsyncClient) -> None:
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
    """Wrong values for a type, those of its parts included."""
    yield from WRONG
    match kind:
        case inspect.Metadata():
            yield from values(kind.type)
        case inspect.UnionType(types=types):
            for one in types:
                yield from values(one)
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
    sorted({kind for one in OPERATIONS for kind in (one.body, one.query) if kind}, key=str),
    ids=lambda kind: kind.__name__,
)
def test_whatever_is_wrong_with_a_body_or_a_query_is_named(kind: type[Struct]) -> None:
    is_query = kind in {one.query for one in OPERATIONS}
    for value in values(inspect.type_info(kind)):
        if not isinstance(value, dict) or (is_query and not all(isinstance(one, str) for one in value.values())):
            continue
        with contextlib.suppress(BadRequest):  # anything else that it raises is a fault of ours
            read_members(value, kind, text=is_query)
            continue
        assert violations(value, kind, text=is_query) or HALF in str(list(value)), value


async def test_the_answers_are_what_the_table_says(
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
        found = msgspec.json.decode(answer.content, type=kind)
        assert json.loads(msgspec.json.encode(found)) == answer.json()
