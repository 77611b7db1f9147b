"""What the templates of the reference show of operations and schemas."""

import re
from collections.abc import Mapping
from typing import Any

from markupsafe import Markup, escape
from msgspec import Struct

from clearline.web.docs.literals import as_json
from clearline.web.docs.plan import Operation, Plan, Resource
from clearline.web.docs.samples import Samples, samples_of
from clearline.web.docs.shapes import Field, Words, field, fields_of, limits_of, reference, type_of
from clearline.wires.http.openapi import RETRY_INTRO

_CODE = re.compile(r"``(.+?)``|`(.+?)`", re.DOTALL)
_SCOPE = "Scope: "
_PLACES = {"path": "Path", "query": "Query", "header": "Headers"}


class Content(Struct, frozen=True):
    """A body: its media types, its type, and the members if it is defined where it is used."""

    media: tuple[str, ...]
    type: tuple[Words, ...]
    schema: str | None = None
    fields: tuple[Field, ...] = ()


class AnswerView(Struct, frozen=True):
    """An answer that is no refusal; ``headers`` are those that not every answer has, with what they say."""

    status: str
    text: str
    content: Content | None
    headers: tuple[tuple[str, str], ...]


class OperationView(Struct, frozen=True):
    """An operation. ``refusals`` are statuses with their texts; ``example`` is the body of its answer."""

    id: str
    method: str
    path: str
    summary: str
    about: tuple[str, ...]
    scope: str
    takes_idempotency_key: bool
    parameters: tuple[tuple[str, tuple[Field, ...]], ...]
    body: Content | None
    answers: tuple[AnswerView, ...]
    refusals: tuple[tuple[str, str], ...]
    samples: Samples
    example: str


class SchemaView(Struct, frozen=True):
    """A schema that has a place of its own on a page: an object with fields, or a value."""

    name: str
    about: tuple[str, ...]
    is_object: bool
    fields: tuple[Field, ...]
    type: tuple[Words, ...]
    values: tuple[tuple[str, str], ...]
    limits: tuple[str, ...]
    example: str


def marked(text: str) -> Markup:
    """Return a text of a document as HTML: what stands in backticks is code."""
    parts, at = [], 0
    for code in _CODE.finditer(text):
        parts += [escape(text[at : code.start()]), Markup("<code>%s</code>") % (code[1] or code[2])]
        at = code.end()
    return Markup("").join([*parts, escape(text[at:])])


def paragraphs(text: str) -> tuple[str, ...]:
    """Return the paragraphs of a description."""
    return tuple(part.strip() for part in text.split("\n\n") if part.strip())


def operation_views(plan: Plan, resource: Resource) -> list[OperationView]:
    """Return the operations of a page."""
    return [_operation(plan, operation) for operation in resource.operations]


def schema_views(plan: Plan, resource: Resource) -> list[SchemaView]:
    """Return the schemas that a page defines beside its operations."""
    return [_schema(name, plan.schemas[name]) for name in resource.schemas if name not in plan.written_in]


def _operation(plan: Plan, operation: Operation) -> OperationView:
    described = operation.described
    parts = paragraphs(described["description"])
    answers = [(status, answer) for status, answer in described["responses"].items() if status < "400"]
    body = described.get("requestBody", {}).get("content", {})
    whole: Mapping[str, Any] = next((part["schema"] for part in body.values()), {})
    reads = "get" in plan.document["paths"][operation.path]
    return OperationView(
        operation.id, operation.method, operation.path, operation.summary,
        about=tuple(part for part in parts if not part.startswith((_SCOPE, RETRY_INTRO))),
        scope=next((part.removeprefix(_SCOPE).strip("`.") for part in parts if part.startswith(_SCOPE)), ""),
        takes_idempotency_key=operation.method == "POST",
        parameters=_parameters(described["parameters"]),
        body=_body(plan, operation, body) if body else None,
        answers=tuple(_answer(status, answer, operation.summary) for status, answer in answers),
        refusals=tuple((status, answer["description"]) for status, answer in described["responses"].items()
                       if status >= "400"),
        samples=samples_of(operation.method, operation.path, described, _example(whole, plan), can_read=reads),
        example=_example_answer(answers, plan),
    )  # fmt: skip


def _parameters(parameters: list[dict[str, Any]]) -> tuple[tuple[str, tuple[Field, ...]], ...]:
    groups: dict[str, list[Field]] = {}
    for parameter in parameters:
        groups.setdefault(_PLACES[parameter["in"]], []).append(
            field(
                parameter["name"], parameter["schema"], parameter.get("description", ""),
                is_required=bool(parameter.get("required")), example=parameter.get("example"),
            )
        )  # fmt: skip
    return tuple((place, tuple(fields)) for place, fields in groups.items())


def _body(plan: Plan, operation: Operation, content: Mapping[str, Any]) -> Content:
    schema = next(iter(content.values()))["schema"]
    name = reference(schema)
    is_here = name is not None and plan.written_in.get(name) == operation.id
    fields = fields_of(plan.schemas[name]) if is_here and name is not None else []
    return Content(tuple(content), type_of(schema), name if is_here else None, tuple(fields))


def _answer(status: str, answer: Mapping[str, Any], summary: str) -> AnswerView:
    content = answer.get("content", {})
    headers = tuple((name, header["description"]) for name, header in answer.get("headers", {}).items()
                    if "$ref" not in header)  # fmt: skip
    schema = next((part["schema"] for part in content.values()), None)
    text = "" if answer["description"] == summary else answer["description"]
    return AnswerView(status, text, None if schema is None else Content(tuple(content), type_of(schema)), headers)


def _example_answer(answers: list[tuple[str, Mapping[str, Any]]], plan: Plan) -> str:
    for _status, answer in answers:
        schema = answer.get("content", {}).get("application/json", {}).get("schema")
        if schema is not None:
            return as_json(_example(schema, plan))
    return ""


def _example(schema: Mapping[str, Any], plan: Plan) -> Any:
    """Return the example of a body, or None when it is no JSON."""
    match schema:
        case {"anyOf": [first, *_]}:
            return _example(first, plan)
        case {"type": "array", "items": items}:
            return [_example(items, plan)]
    name = reference(schema)
    return None if name is None else plan.schemas[name]["examples"][0]


def _schema(name: str, schema: Mapping[str, Any]) -> SchemaView:
    meanings = schema.get("x-enumDescriptions", {})
    examples = schema.get("examples", ())
    return SchemaView(
        name, paragraphs(schema.get("description", "")), "properties" in schema, tuple(fields_of(schema)),
        type_of(schema), tuple((str(value), meanings.get(value, "")) for value in schema.get("enum", ())),
        limits_of(schema), as_json(examples[0]) if examples and "properties" in schema else "",
    )  # fmt: skip
