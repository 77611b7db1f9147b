"""Each item of ``errors`` names the kind of rule that is broken, so that programs need not read the text."""

import ast
from pathlib import Path
from typing import Any

import httpx
import pytest

import clearline
from clearline.errors import RuleCode
from clearline.wires.house.errors import RULES
from tests.builders.house import NOBODY, TICKETS, new_ticket, order
from tests.builders.people import Tenant

SOURCE = Path(clearline.__file__).parent
LONG = "x" * 256

BODIES: list[tuple[dict[str, Any], str, str]] = [
    ({"title": None}, "/title", "type"),
    ({"title": 1}, "/title", "type"),
    ({"title": ""}, "/title", "length"),
    ({"title": LONG}, "/title", "length"),
    ({"title": "a\x00"}, "/title", "characters"),
    ({"colour": "red"}, "/colour", "unknown"),
    ({"issue_type": "Fire"}, "/issue_type", "choice"),
    ({"issue_type": 3}, "/issue_type", "type"),
    ({"service": []}, "/service", "type"),
    ({"service": {"type": "Port"}}, "/service/id", "required"),
    ({"service": {"id": "nothing", "type": "Port"}}, "/service/id", "reference"),
    ({"contact": {"name": "A", "phone": "", "email": "nobody"}}, "/contact/email", "format"),
    ({"external_ids": {"a": 1}}, "/external_ids/a", "type"),
    ({"external_ids": {LONG: "1"}}, f"/external_ids/{LONG[:50]}", "length"),
    ({"tags": ["ok"] * 51}, "/tags", "count"),
    ({"tags": ["not ok"]}, "/tags/0", "format"),
]  # fmt: skip

QUERIES = [
    ("limit=x", "limit", "type"),
    ("limit=201", "limit", "range"),
    ("limit=0", "limit", "range"),
    ("sort=name", "sort", "choice"),
    ("colour=red", "colour", "unknown"),
    ("limit=1&limit=2", "limit", "duplicate"),
    (f"cursor={'x' * 4001}", "cursor", "length"),
]


def errors_of(answer: httpx.Response) -> list[tuple[str, str]]:
    return [(item["pointer"], item["code"]) for item in answer.json()["errors"]]


@pytest.mark.parametrize(("members", "pointer", "code"), BODIES)
async def test_what_is_wrong_with_a_body_has_the_code_of_its_rule(
    client: httpx.AsyncClient, tenant: Tenant, members: dict[str, Any], pointer: str, code: str
) -> None:
    answer = await client.post(TICKETS, headers=tenant.headers, json=order(**members))
    assert answer.status_code == 422, answer.text
    assert errors_of(answer) == [(pointer, code)]


@pytest.mark.parametrize(("query", "pointer", "code"), QUERIES)
async def test_what_is_wrong_with_a_query_has_the_code_of_its_rule(
    client: httpx.AsyncClient, tenant: Tenant, query: str, pointer: str, code: str
) -> None:
    answer = await client.get(f"{TICKETS}?{query}", headers=tenant.headers)
    assert answer.status_code == 400, answer.text
    assert errors_of(answer) == [(pointer, code)]


async def test_rules_of_the_domain_have_codes_too(
    client: httpx.AsyncClient, tenant: Tenant, agent: dict[str, str], admin: dict[str, str]
) -> None:
    number = (await new_ticket(client, tenant))["number"]
    path = f"{TICKETS}/{number}"
    cases = [
        (await client.post(f"{path}/notes", headers=tenant.headers, json={"text": " "}), ("/text", "blank")),
        (await client.patch(path, headers=agent | {"If-Match": "*"}, json={"queue": NOBODY}), ("/queue", "reference")),
        (await client.patch(path, headers=agent | {"If-Match": "*"}, json={"queue": "x"}), ("/queue", "reference")),
        (
            await client.post("/api/v1/bulk", headers=agent, json={"tickets": [number, number], "action": TAGGED}),
            ("/tickets", "duplicate"),
        ),
        (await client.get("/api/v1/audit?since=2026-03-02T00:00:00Z&until=2026-03-01T00:00:00Z", headers=admin),
         ("until", "order")),
    ]  # fmt: skip
    for answer, expected in cases:
        assert errors_of(answer) == [expected], answer.text


TAGGED = {"type": "tag", "add": ["a"]}


def test_every_violation_in_the_code_has_a_code() -> None:
    without = [
        f"{file.relative_to(SOURCE)}:{call.lineno}"
        for file in SOURCE.rglob("*.py")
        for call in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "Violation" and len(call.args) < 3
    ]
    assert without == []


def test_every_code_is_explained() -> None:
    assert set(RULES) == set(RuleCode)
