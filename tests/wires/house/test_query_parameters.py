"""A value that no query parameter knows is refused by the parameter's name, in every operation that reads."""

import re
from collections.abc import Iterator

import httpx
import pytest

from clearline.settings.settings import Settings
from clearline.wires.house.reference import openapi
from tests.builders.house import NOBODY, Headers, problem
from tests.builders.people import Tenant

UNKNOWN = "no.such-value"
NO_TICKET = "INC999999999999"

FREE = {
    "case": "it is the number that a third party gave a case: the list is empty when no ticket has it",
    "q": "it is text, and a filter in it has an error of its own",
    "recipient": "it is an address: the list is empty when its mail was not stopped",
    "named": "it is a name: the list is empty when nobody has it",
    "tags": "they are words: the list is empty when no ticket has them",
    "service": "it is the id of a service, which may be a Non-Console Service: the list is empty when no ticket has it",
}
"""Parameters that take any text, and why."""

CURSORS = {"cursor", "after"}
"""Parameters with a problem type of their own: ``invalid-cursor``."""

WITH = {(path, "service"): {"company": "{code}"} for path in ("/api/v1/tickets", "/api/v1/exports/tickets")}
"""What a parameter needs beside it."""

OF_CUSTOMERS = {"/api/v1/services"}
"""Paths that only customers have; all others are those of an admin of the provider."""


def parameters() -> Iterator[tuple[str, str]]:
    """Yield the path of each operation that reads, with each of its query parameters."""
    for path, item in openapi(Settings())["paths"].items():
        for parameter in item.get("get", {}).get("parameters", ()):
            if parameter["in"] == "query":
                yield path, parameter["name"]


PARAMETERS = sorted(parameters())


def test_the_walk_has_parameters() -> None:
    assert {("/api/v1/tickets", "queue"), ("/api/v1/events", "type"), ("/api/v1/audit", "actor")} <= set(PARAMETERS)
    assert set(FREE) <= {name for _path, name in PARAMETERS}


async def get(client: httpx.AsyncClient, path: str, headers: Headers, query: dict[str, str]) -> httpx.Response:
    address = re.sub("{[^}]+}", NOBODY, path.replace("{number}", NO_TICKET))
    return await client.get(address, headers=headers, params=query)


def listed(answer: httpx.Response) -> list[object]:
    """Return the items of a page, or the lines of an export."""
    if answer.headers["content-type"].startswith("application/x-ndjson"):
        return [*answer.text.splitlines()]
    data: list[object] = answer.json()["data"]
    return data


@pytest.mark.parametrize(("path", "name"), PARAMETERS)
async def test_an_unknown_value_is_refused_by_the_name_of_its_parameter(
    client: httpx.AsyncClient, tenant: Tenant, admin: Headers, path: str, name: str
) -> None:
    beside = {other: value.format(code=tenant.company.code) for other, value in WITH.get((path, name), {}).items()}
    headers = tenant.headers if path in OF_CUSTOMERS else admin
    answer = await get(client, path, headers, {name: UNKNOWN, **beside})
    if name in FREE:
        assert answer.status_code == 200, answer.text
        assert name == "q" or listed(answer) == []
    elif name in CURSORS:
        problem(answer, "invalid-cursor")
    else:
        [error] = problem(answer, "invalid-parameter")["errors"]
        assert error["pointer"] == name
        assert error["code"] in {"format", "choice", "reference", "type"}
        assert error["detail"].startswith("must ")


_IDS = {"company", "ticket", "queue", "team", "assignee", "watcher", "actor"}
REFERENCES = [(path, name) for path, name in PARAMETERS if name in _IDS]


@pytest.mark.parametrize(("path", "name"), REFERENCES)
async def test_a_reference_to_nothing_is_no_missing_address(
    client: httpx.AsyncClient, admin: Headers, path: str, name: str
) -> None:
    answer = await get(client, path, admin, {name: NO_TICKET if name == "ticket" else NOBODY})
    if name in {"company", "ticket"}:
        [error] = problem(answer, "invalid-parameter")["errors"]
        assert (error["pointer"], error["code"]) == (name, "reference")
    else:
        assert (answer.status_code, listed(answer)) == (200, [])


@pytest.mark.parametrize("path", ["/api/v1/events", "/api/v1/audit"])
@pytest.mark.parametrize(
    ("kind", "named"),
    [
        ("ticket.nope", "must be one of ticket., ticket.created, "),
        ("note.", None),
        ("no.", "or one of the prefixes ticket., note., "),
        ("nothing.changed", "or one of the prefixes ticket., note., "),
    ],
)
async def test_an_unknown_type_of_event_is_refused_with_those_that_there_are(
    client: httpx.AsyncClient, admin: Headers, path: str, kind: str, named: str | None
) -> None:
    answer = await get(client, path, admin, {"type": kind})
    if named is None:
        assert answer.status_code == 200
        return
    [error] = problem(answer, "invalid-parameter")["errors"]
    assert (error["pointer"], error["code"]) == ("type", "choice")
    assert named in error["detail"]


async def test_each_unknown_type_of_several_is_named(client: httpx.AsyncClient, admin: Headers) -> None:
    answer = await get(client, "/api/v1/events", admin, {"type": "note.added,ticket.nope,user.gone"})
    details = [error["detail"] for error in problem(answer, "invalid-parameter")["errors"]]
    assert [detail.split("; ")[1] for detail in details] == ["ticket.nope does not exist", "user.gone does not exist"]
