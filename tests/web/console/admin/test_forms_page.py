"""The page of forms: an admin arranges the fields of an issue type, a row for each."""

from collections.abc import AsyncIterator

import httpx
import pytest

from clearline.catalogue import entry_usecases as entries
from clearline.catalogue.entry_usecases import ISSUE_TYPES
from clearline.fields import usecases as own_fields
from clearline.fields.domain import FieldAudience, FieldType, Option, RecordKind, Required
from clearline.identity import OPERATOR, Role
from clearline.platform.database.transactions import Database
from clearline.tickets.forms import usecases as forms
from clearline.tickets.forms.domain import MEMBERS, NO_ID, Condition, Form, FormField
from tests.builders.house import no_fields, no_forms
from tests.builders.people import NOW
from tests.builders.web.pages import Page, Person, person

FIELDS = (
    FormField("title", is_required=True),
    FormField("description", is_required=True),
    FormField("dispatch_allowed"),
    FormField("site_access", is_required=True, when=Condition("dispatch_allowed", (True,))),
    FormField("cc", when=Condition("site_access")),
)
Typed = dict[str, list[str]]


@pytest.fixture
async def admin(client: httpx.AsyncClient, database: Database) -> AsyncIterator[Person]:
    """Yield an admin; no form is left."""
    await no_forms(database)
    yield await person(client, database, Role.ADMIN)
    await no_forms(database)


async def address(database: Database) -> str:
    async with database.statement() as tx:
        entry = await entries.entry_called(tx, OPERATOR, ISSUE_TYPES, "Circuit Down")
    return f"/console/admin/forms/{entry.id}"


async def define(database: Database, *fields: FormField) -> None:
    async with database.transaction() as tx:
        await forms.set_form(tx, OPERATOR, "Circuit Down", FieldAudience.CUSTOMER, fields, now=NOW)


async def stored(database: Database, audience: FieldAudience = FieldAudience.CUSTOMER) -> Form:
    async with database.transaction() as tx:
        return await forms.get_form(tx, OPERATOR, "Circuit Down", audience)


def typed(page: Page) -> Typed:
    """Return what a browser sends of a page: its hidden fields, checked boxes, and chosen options."""
    sent: Typed = {}
    for each in page.all("input"):
        name = str(each.get("name"))
        if name.partition(".")[0] in ("customer", "staff") and (each.get("type") != "checkbox" or "checked" in each):
            sent.setdefault(name, []).append(str(each["value"]))
    select = ""
    for tag, attributes in page.tags:
        select = str(attributes.get("name")) if tag == "select" else select
        if tag == "option" and "selected" in attributes:
            sent[select] = [str(attributes["value"])]
    [version] = [str(each["value"]) for each in page.all("input") if each.get("name") == "version"]
    return sent | {"version": [version]}


async def sent(admin: Person, path: str, page: Page, **changes: str | list[str]) -> httpx.Response:
    """Send the form of a page with changes of the customers' form; ``when__cc`` is the field ``customer.when.cc``."""
    named = {
        name if name == "step" else f"customer.{name.replace('__', '.')}": value for name, value in changes.items()
    }
    return await admin.post(path, **{**typed(page), **named})


async def after(admin: Person, path: str, page: Page, step: str, **changes: str | list[str]) -> Page:
    """Return the page after a step."""
    answer = await sent(admin, path, page, step=step, **changes)
    assert answer.status_code == 200, answer.text
    return Page(answer.text)


def names(page: Page) -> list[str]:
    return typed(page).get("customer.field", [])


def focus(page: Page) -> list[str | None]:
    return [attributes.get("id") for _tag, attributes in page.tags if "autofocus" in attributes]


async def test_an_admin_begins_with_every_field_and_arranges_the_rows(admin: Person, database: Database) -> None:
    path = await address(database)
    assert "Every field is asked for" in (await admin.page("/console/admin/forms")).text
    page = await admin.page(path)
    assert names(page) == []
    page = await after(admin, path, page, "customer.define")
    assert names(page) == list(MEMBERS)
    for name in set(MEMBERS) - {"title", "description", "site_access", "dispatch_allowed", "cc"}:
        page = await after(admin, path, page, f"customer.remove.{name}")
    assert names(page) == ["title", "description", "dispatch_allowed", "site_access", "cc"]
    page = await after(admin, path, page, "customer.down.title")
    assert (names(page)[:2], focus(page)) == (["description", "title"], ["customer-down-title"])
    page = await after(admin, path, page, "customer.up.title")
    page = await after(
        admin, path, page, "draw", required=["title", "site_access"], when__site_access="dispatch_allowed"
    )
    page = await after(admin, path, page, "draw", values__site_access=["true"], when__cc="site_access")
    assert "Site access required only when Technician on site is Yes" in page.text
    assert "Copies by mail (CC) only when Site access has a value" in page.text
    assert "Not saved yet" in page.text
    assert (await stored(database)).id == NO_ID
    answer = await sent(admin, path, page)
    assert answer.status_code == 303, answer.text
    assert (await stored(database)).fields == FIELDS
    assert (await stored(database, FieldAudience.STAFF)).id == NO_ID
    assert "Not saved yet" not in (await admin.page(path)).text
    assert "For customers: 5 fields" in (await admin.page("/console/admin/forms")).text


async def test_a_form_that_nobody_touches_stays_and_one_without_rows_is_deleted(
    admin: Person, database: Database
) -> None:
    path = await address(database)
    await define(database, *FIELDS)
    before = await stored(database)
    assert (await sent(admin, path, await admin.page(path))).status_code == 303
    assert await stored(database) == before
    page = await after(admin, path, await admin.page(path), "customer.clear")
    assert (names(page), focus(page)) == ([], ["customer-define"])
    assert (await sent(admin, path, page)).status_code == 303
    assert (await stored(database)).id == NO_ID


async def test_a_field_is_added_last_and_the_focus_goes_on_from_one_that_is_removed(
    admin: Person, database: Database
) -> None:
    path = await address(database)
    await define(database, *FIELDS)
    page = await after(admin, path, await admin.page(path), "customer.add", add="asked.priority")
    assert (names(page)[-1], focus(page)) == ("asked.priority", ["customer-required-asked-priority"])
    page = await after(admin, path, page, "customer.remove.dispatch_allowed")
    assert focus(page) == ["customer-down-site_access"]
    assert "Must be a field that stands before it." in page.text


@pytest.mark.parametrize(
    "step",
    [
        "customer.up.title", "customer.down.cc", "customer.remove.title", "customer.remove.nothing", "customer.define",
        "customer.add", "customer.turn.cc", "staff.remove.cc", "draw", "", "customer",
    ],
)  # fmt: skip
async def test_a_step_that_leads_nowhere_keeps_the_rows(admin: Person, database: Database, step: str) -> None:
    path = await address(database)
    await define(database, *FIELDS)
    before = await admin.page(path)
    page = await after(admin, path, before, step, add="cc")
    assert typed(page) == typed(before)


async def test_a_row_that_breaks_a_rule_is_named_and_nothing_is_stored(admin: Person, database: Database) -> None:
    path = await address(database)
    await define(database, *FIELDS)
    page = await after(admin, path, await admin.page(path), "customer.up.site_access")
    refused = await sent(admin, path, page)
    assert refused.status_code == 422
    page = Page(refused.text)
    assert "For customers, Site access : must be a field that stands before it" in page.text
    assert "#field-customer.site_access" in page.links("#")
    [row] = [each for each in page.all("select") if each.get("name") == "customer.when.site_access"]
    assert (row["aria-invalid"], row["aria-describedby"]) == ("true", "about-customer.site_access")
    assert (await stored(database)).fields == FIELDS


async def test_a_condition_whose_values_were_not_shown_is_not_saved_at_once(admin: Person, database: Database) -> None:
    """Without scripts a page is sent before its values are drawn: those of the condition before do not count."""
    path = await address(database)
    await define(database, *FIELDS, FormField("testing_consent"), FormField("asked.severity"))
    page = await admin.page(path)
    changes = {"when__asked__severity": "testing_consent"}
    refused = await sent(admin, path, page, **changes)
    assert refused.status_code == 422
    page = Page(refused.text)
    assert "Choose the values, or save again for any value." in page.text
    assert (await sent(admin, path, page, values__asked__severity=["no"])).status_code == 303
    assert (await stored(database)).fields[-1].when == Condition("testing_consent", ("no",))
    page = await after(admin, path, await admin.page(path), "draw", when__asked__severity="dispatch_allowed")
    assert "customer.values.asked.severity" not in typed(page)
    assert (await sent(admin, path, page)).status_code == 303
    assert (await stored(database)).fields[-1].when == Condition("dispatch_allowed")


async def test_a_change_by_somebody_else_is_seen_after_a_step_too(admin: Person, database: Database) -> None:
    path = await address(database)
    await define(database, *FIELDS)
    page = await admin.page(path)
    await define(database, *FIELDS[:2])
    page = await after(admin, path, page, "customer.remove.cc")
    stale = await sent(admin, path, page)
    assert stale.status_code == 409
    page = Page(stale.text)
    assert "Now stored: Summary required Description required" in page.text
    assert names(page) == [field.name for field in FIELDS[:4]]
    assert (await sent(admin, path, page)).status_code == 303
    assert (await stored(database)).fields == FIELDS[:4]


async def test_own_fields_have_their_labels_and_a_retired_one_is_to_be_removed(
    admin: Person, database: Database
) -> None:
    path = await address(database)
    values = {
        "record": RecordKind.TICKET, "key": "fibre", "label": "Fibre type", "type": FieldType.CHOICE,
        "options": (Option("true", "Single mode"), Option("mm", "Multi mode")), "required": Required.TO_RAISE,
        "visible_to": FieldAudience.CUSTOMER, "edited_by": FieldAudience.CUSTOMER,
    }  # fmt: skip
    async with database.transaction() as tx:
        field = await own_fields.add_field(tx, OPERATOR, values, now=NOW)
    await define(database, *FIELDS[:2], FormField("fields.fibre"), FormField("cc"))
    page = await after(admin, path, await admin.page(path), "draw", when__cc="fields.fibre")
    page = await after(admin, path, page, "draw", values__cc=["true", "mm"])
    assert "Fibre type required Copies by mail (CC) only when Fibre type is Single mode or Multi mode" in page.text
    assert (await sent(admin, path, page)).status_code == 303
    assert (await stored(database)).fields[2:] == (
        FormField("fields.fibre"), FormField("cc", when=Condition("fields.fibre", ("true", "mm"))),
    )  # fmt: skip
    async with database.transaction() as tx:
        await own_fields.change_field(tx, OPERATOR, field.id, {"active": False}, now=NOW)
    page = await admin.page(path)
    assert "Cannot be set by them; remove it." in page.text
    assert (await sent(admin, path, page)).status_code == 422
    page = await after(admin, path, page, "customer.remove.fields.fibre", when__cc="")
    assert (await sent(admin, path, page)).status_code == 303
    await no_fields(database)
