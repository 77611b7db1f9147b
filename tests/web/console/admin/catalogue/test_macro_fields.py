"""The own fields that a macro sets and clears, in its admin page."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
from msgspec.structs import replace

from clearline.fields import usecases as fields
from clearline.fields.domain import RecordKind
from clearline.identity import OPERATOR, Role
from clearline.platform.database.transactions import Database
from clearline.workspace import macro_usecases as macros
from clearline.workspace.domain import Macro
from tests.builders.catalogue.own_values import TYPES, VALUES, fields_of_each_type
from tests.builders.people import NOW, Tenant, new_tenant
from tests.builders.web.pages import Page, Person, person
from tests.builders.web.typed_forms import form_pairs, send_pairs
from tests.web.console.admin.forms import MACRO

PATH = "/console/admin/macros"


@pytest.fixture(autouse=True)
async def own(database: Database) -> AsyncIterator[None]:
    """Have a field of each type, and leave none behind."""
    async with fields_of_each_type(database):
        yield
        async with database.transaction() as tx:
            await tx.write("delete from macro")


@pytest.fixture
async def tenant(database: Database) -> Tenant:
    return await new_tenant(database)


@pytest.fixture
async def admin(client: httpx.AsyncClient, database: Database) -> Person:
    return await person(client, database, Role.ADMIN)


async def stored(database: Database, name: str) -> Macro:
    async with database.statement() as tx:
        return await macros.macro_named(tx, OPERATOR, name)


def typed(value: Any) -> str | list[str]:
    """Return a value as a browser in UTC sends it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return [*value] if isinstance(value, list) else str(value).removesuffix("Z").replace("\n", "\r\n")


async def test_a_value_of_each_type_is_typed_shown_and_sent_again_unchanged(
    admin: Person, database: Database, tenant: Tenant
) -> None:
    expected = VALUES | {"company": str(tenant.company.id), "user": str(admin.user.id)}
    name = f"All types {uuid4().hex}"
    new = form_pairs((await admin.get(f"{PATH}/new")).text, PATH)
    assert {f"fields.{key}" for key in TYPES} - {"fields.choices"} <= {field for field, _value in new}
    given = {f"fields.{key}": typed(value) for key, value in expected.items()}
    answer = await send_pairs(admin, PATH, new, name=name, text="", **given)
    assert answer.status_code == 303, Page(answer.text).text
    macro = await stored(database, name)
    assert macro.fields == expected
    path = f"{PATH}/{macro.id}"
    shown = form_pairs((await admin.get(path)).text, path)
    assert [value for field, value in shown if field == "fields.choices"] == ["emea", "amer"]
    again = await send_pairs(admin, path, shown, text="Hello")
    assert again.status_code == 303, Page(again.text).text
    assert await stored(database, name) == replace(macro, text="Hello")


async def test_a_field_is_cleared_or_left_alone(admin: Person, database: Database) -> None:
    name = f"Clears {uuid4().hex}"
    new = {**MACRO, "name": name, "once": uuid4().hex, "fields.text.shown": "1", "fields.text": ""}
    both = {**new, "fields.text": "BIR-1", "cleared_fields": "text"}
    answer = await admin.post(PATH, **both)
    assert answer.status_code == 422
    assert "must not have The text, which is set above" in Page(answer.text).text
    assert (await admin.post(PATH, **new, cleared_fields="text")).status_code == 303
    macro = await stored(database, name)
    assert macro.fields == {"text": None}
    path = f"{PATH}/{macro.id}"
    pairs = form_pairs((await admin.get(path)).text, path)
    assert ("cleared_fields", "text") in pairs
    assert (await send_pairs(admin, path, pairs, cleared_fields=[])).status_code == 303
    assert (await stored(database, name)).fields == {}


async def test_a_wrong_value_is_refused_beside_its_input(admin: Person) -> None:
    wrong = {"fields.integer.shown": "1", "fields.integer": "many"}
    answer = await admin.post(PATH, **{**MACRO, "name": uuid4().hex, "once": uuid4().hex}, **wrong)
    assert answer.status_code == 422
    page = Page(answer.text)
    assert [each.get("id") for _tag, each in page.tags if "aria-invalid" in each] == ["field-fields.integer"]
    assert "must be a whole number" in page.text


async def test_a_value_of_a_retired_field_stays_until_it_is_taken_out(admin: Person, database: Database) -> None:
    name = f"Retired {uuid4().hex}"
    async with database.transaction() as tx:
        macro = await macros.add_macro(tx, OPERATOR, {"name": name, "fields": {"text": "BIR-1", "ip": None}}, now=NOW)
        known = (await fields.definitions(tx)).of(RecordKind.TICKET)["text"]
    async with database.transaction() as tx:
        await fields.change_field(tx, OPERATOR, known.id, {"active": False}, now=NOW)
    path = f"{PATH}/{macro.id}"
    pairs = form_pairs((await admin.get(path)).text, path)
    assert ("kept_fields", "text") in pairs
    assert (await send_pairs(admin, path, pairs, text="Hello")).status_code == 303
    assert (await stored(database, name)).fields == {"text": "BIR-1", "ip": None}
    pairs = form_pairs((await admin.get(path)).text, path)
    assert (await send_pairs(admin, path, pairs, kept_fields=[])).status_code == 303
    assert (await stored(database, name)).fields == {"ip": None}
