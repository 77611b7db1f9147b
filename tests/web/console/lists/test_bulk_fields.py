"""Own fields of the tickets that are selected in a list: the input of the chosen field, and what it does."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from clearline.identity import OPERATOR, Role
from clearline.platform.database.transactions import Database
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets import usecases as tickets
from clearline.tickets.domain import ticket_number
from clearline.web.console.lists.bulk_preview import FIELDS
from tests.builders.catalogue.own_values import TYPES, VALUES, fields_of_each_type
from tests.builders.people import NOW, Tenant, new_tenant
from tests.builders.tickets import raised
from tests.builders.web.pages import Page, Person, person

PATH = "/console/bulk?list=open"
INPUTS = {
    "text": "text", "long_text": "textarea", "integer": "number", "decimal": "number", "boolean": "select",
    "date": "date", "datetime": "datetime-local", "choice": "select", "choices": "checkbox", "url": "url",
    "email": "email", "ip": "text", "phone": "tel", "service": "select", "company": "select", "user": "select",
}  # fmt: skip
"""What the input of each field is; tickets of one company have one."""


@pytest.fixture(autouse=True)
async def own(database: Database) -> AsyncIterator[None]:
    """Have a field of each type, and leave none behind."""
    async with fields_of_each_type(database):
        yield


@pytest.fixture
async def tenant(database: Database) -> Tenant:
    return await new_tenant(database)


@pytest.fixture
async def agent(client: httpx.AsyncClient, database: Database) -> Person:
    return await person(client, database, Role.AGENT)


@pytest.fixture
async def numbers(database: Database, tenant: Tenant) -> list[int]:
    async with database.transaction() as tx:
        return [await raised(tx, tenant) for _ in range(2)]


async def send(agent: Person, numbers: list[int], expected: int = 200, /, **typed: str | list[str]) -> Page:
    data = {"csrf": agent.token_of_form(), "once": "a key", "ticket": [*map(ticket_number, numbers)], **typed}
    answer = await agent.client.post(PATH, headers=agent.headers, data=data)
    assert answer.status_code == expected, answer.text
    return Page(answer.text)


async def values_of(database: Database, numbers: list[int], key: str) -> list[Any]:
    async with database.statement() as tx:
        return [(await tickets.get_ticket(tx, OPERATOR, number)).ticket.fields.get(key) for number in numbers]


async def part(agent: Person, key: str, *numbers: int) -> Page:
    selected = "".join(f"&ticket={ticket_number(number)}" for number in numbers)
    return await agent.page(f"/console/bulk/field?own_key={key}{selected}")


def inputs(page: Page, key: str) -> set[str]:
    """Return what the inputs of a field are: types of HTML's, or other elements."""
    return {
        attributes.get("type") or tag
        for tag, attributes in page.tags
        if attributes.get("name") == f"fields.{key}" and tag in {"input", "select", "textarea"}
    }


@pytest.mark.parametrize("key", TYPES)
async def test_each_field_has_its_input_and_gets_a_value(
    agent: Person, database: Database, tenant: Tenant, numbers: list[int], key: str
) -> None:
    page = await part(agent, key, *numbers)
    assert inputs(page, key) == {INPUTS[key]}
    assert not [each for _tag, each in page.tags if "required" in each]
    expected = (VALUES | {"company": str(tenant.company.id), "user": str(agent.user.id)})[key]
    typed = [*expected] if isinstance(expected, list) else str(expected).removesuffix("Z")
    typed = typed.lower() if isinstance(expected, bool) and isinstance(typed, str) else typed
    form = {"own_key": key, "own_field": "set", f"fields.{key}.shown": "1", f"fields.{key}": typed}
    preview = await send(agent, numbers, dry="1", **form)
    assert "2 of 2 tickets would change." in preview.text
    assert await values_of(database, numbers, key) == [None, None]
    hidden = [(each["name"] or "", each.get("value") or "") for each in preview.all("input") if "name" in each]
    again: dict[str, Any] = {}
    for name, value in hidden:
        if name in {"sure", *FIELDS} or name.startswith("fields."):
            again.setdefault(name, []).append(value)
    done = await send(agent, numbers, **again)
    assert "2 tickets changed." in done.text
    assert await values_of(database, numbers, key) == [expected, expected]


async def test_a_dry_run_has_the_names_of_what_a_value_refers_to(
    agent: Person, database: Database, tenant: Tenant, numbers: list[int]
) -> None:
    for key, value, name in (
        ("company", str(tenant.company.id), tenant.company.name),
        ("user", str(agent.user.id), agent.user.name),
        ("service", "SVC-1", "Service 1"),
    ):
        form = {"own_key": key, "own_field": "set", f"fields.{key}.shown": "1", f"fields.{key}": value, "dry": "1"}
        assert f"The {key} {name}" in (await send(agent, numbers, **form)).text
    assert await values_of(database, numbers, "company") == [None, None]


async def test_references_of_tickets_of_several_companies_are_those_that_all_can_have(
    agent: Person, database: Database, tenant: Tenant, numbers: list[int]
) -> None:
    other = await new_tenant(database)
    async with database.transaction() as tx:
        beside = await raised(tx, other)
    of_one = {each.get("value") for each in (await part(agent, "user", *numbers)).all("option")}
    of_all = {each.get("value") for each in (await part(agent, "user", *numbers, beside)).all("option")}
    assert str(tenant.user.id) in of_one - of_all
    assert str(agent.user.id) in of_one & of_all
    assert inputs(await part(agent, "service", *numbers, beside), "service") == {"text"}
    form = {"own_key": "service", "own_field": "set", "fields.service.shown": "1", "fields.service": "SVC-1"}
    assert "3 tickets changed." in (await send(agent, [*numbers, beside], **form)).text


async def test_without_scripts_the_form_asks_for_the_value(
    agent: Person, database: Database, numbers: list[int]
) -> None:
    page = await send(agent, numbers, own_key="choice", own_field="set", dry="1")
    assert inputs(page, "choice") == {"select"}
    assert [each["value"] for each in page.all("input") if each.get("name") == "ticket" and "type" in each][:2]
    assert "The choice: 2 tickets" in page.text
    assert [each.get("value") for each in page.all("button") if each.get("name") == "own_field"][-2:] == [
        "set",
        "clear",
    ]
    assert await values_of(database, numbers, "choice") == [None, None]


@pytest.mark.parametrize(
    ("key", "typed", "words"),
    [
        ("integer", "many", "must be a whole number"),
        ("url", "status.example.com", "must be"),
        ("text", " ", "must have a value"),
        ("choices", "", "must have a value"),
    ],
)
async def test_a_wrong_value_is_refused_at_its_input_and_changes_nothing(
    agent: Person, database: Database, numbers: list[int], key: str, typed: str, words: str
) -> None:
    form = {"own_key": key, "own_field": "set", f"fields.{key}.shown": "1", f"fields.{key}": typed}
    page = await send(agent, numbers, 422, **form)
    assert words in page.text.lower()
    assert f"fields.{key}" in {each.get("id") for _tag, each in page.tags if "aria-invalid" in each}
    assert await values_of(database, numbers, key) == [None, None]


async def test_a_field_is_cleared_and_that_is_undone(agent: Person, database: Database, numbers: list[int]) -> None:
    async with database.transaction() as tx:
        await ticket_changes.change_ticket(tx, OPERATOR, numbers[0], {"fields": {"choice": "apac"}}, now=NOW)
    done = await send(agent, numbers, own_key="choice", own_field="clear")
    assert "1 ticket changed." in done.text
    assert await values_of(database, numbers, "choice") == [None, None]
    change = next(each["value"] or "" for each in done.all("input") if each.get("name") == "change")
    await agent.post("/console/bulk/undo?list=open", change=change)
    assert await values_of(database, numbers, "choice") == ["apac", None]


async def test_enter_in_the_input_sets_the_field(agent: Person, database: Database, numbers: list[int]) -> None:
    form = {"own_key": "text", "fields.text.shown": "1", "fields.text": "BIR-1", "add_tags": "", "remove_tags": ""}
    await send(agent, numbers, entered="1", **form)
    assert await values_of(database, numbers, "text") == ["BIR-1", "BIR-1"]


async def test_the_bar_offers_the_fields_and_an_unknown_one_is_not_found(agent: Person, numbers: list[int]) -> None:
    page = await agent.page("/console/open")
    [select] = [each for each in page.all("select") if each.get("name") == "own_key"]
    assert select.get("hx-get") == "/console/bulk/field"
    assert inputs(await part(agent, "", *numbers), "") == set()
    assert (await agent.get("/console/bulk/field?own_key=nothing")).status_code == 404
    await send(agent, numbers, 404, own_key="nothing", own_field="set")
