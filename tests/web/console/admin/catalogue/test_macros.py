"""What goes with the status of a macro, in its admin page and its preview."""

from uuid import uuid4

import httpx
import pytest

from clearline.identity import OPERATOR, Role
from clearline.platform.database.transactions import Database
from clearline.tickets.domain import Closure, Status, Waiting, ticket_number
from clearline.tickets.progress.facts import StatusFacts
from clearline.workspace import macro_usecases as macros
from clearline.workspace.domain import Macro, MacroReminder
from tests.builders.people import NOW, Tenant
from tests.builders.tickets import raised
from tests.builders.web.pages import Page, Person, person
from tests.web.console.admin.forms import MACRO

PATH = "/console/admin/macros"
HELD = {
    **MACRO, "status": "held", "sub_status": "with_carrier", "waiting_reason": "third_party", "waiting_text": "Splices",
}  # fmt: skip


@pytest.fixture
async def admin(client: httpx.AsyncClient, database: Database) -> Person:
    return await person(client, database, Role.ADMIN)


async def added(admin: Person, database: Database, **fields: str) -> Macro:
    name = f"Hold {uuid4().hex}"
    answer = await admin.post(PATH, **{**HELD, "name": name, "once": uuid4().hex, **fields})
    assert answer.status_code == 303, answer.text
    async with database.statement() as tx:
        return await macros.macro_named(tx, OPERATOR, name)


def version(page: Page) -> str:
    return next(field["value"] or "" for field in page.all("input") if field.get("name") == "version")


async def test_a_macro_holds_tickets_with_a_reason_and_keeps_what_the_page_does_not_show(
    admin: Person, database: Database
) -> None:
    macro = await added(admin, database)
    assert macro.facts == StatusFacts("with_carrier", Waiting("third_party", "Splices"))
    async with database.transaction() as tx:
        await macros.change_macro(tx, OPERATOR, macro.id, {"facts": {"closure": Closure("power")}}, now=NOW)
    page = await admin.page(f"{PATH}/{macro.id}")
    chosen = [option["value"] for option in page.all("option") if "selected" in option]
    assert {"held", "with_carrier", "third_party"} <= set(chosen)
    changed = {**HELD, "name": macro.name, "sub_status": "", "waiting_reason": "observation", "waiting_text": ""}
    answer = await admin.post(f"{PATH}/{macro.id}", **changed, version=version(page))
    assert answer.status_code == 303, answer.text
    async with database.statement() as tx:
        after = await macros.get_macro(tx, OPERATOR, macro.id)
    assert after.facts == StatusFacts(None, Waiting("observation"), Closure("power"))


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"status": "in_progress", "sub_status": ""}, "Reason to wait : must stand only with"),
        ({"status": "", "sub_status": ""}, "Status : is required with what goes with it"),
        ({"sub_status": "dispatched"}, "Sub-status : must be one of with_carrier"),
        ({"waiting_reason": ""}, "Reason to wait : must be one of"),
    ],
    ids=["of no status", "without status", "of another", "no reason"],
)
async def test_what_does_not_go_with_the_status_is_refused(admin: Person, fields: dict[str, str], words: str) -> None:
    answer = await admin.post(PATH, **{**HELD, "name": uuid4().hex, "once": uuid4().hex, **fields})
    assert answer.status_code == 422
    assert words in Page(answer.text).text


async def test_the_preview_says_what_goes_with_the_status(admin: Person, database: Database, tenant: Tenant) -> None:
    macro = await added(admin, database)
    async with database.transaction() as tx:
        number = await raised(tx, tenant, status=Status.IN_PROGRESS)
    page = await admin.page(f"/console/tickets/{ticket_number(number)}?macro={macro.id}")
    assert "Sub-status None → becomes With carrier" in page.text
    assert "Reason to wait None → becomes Third party" in page.text


async def test_a_macro_sets_a_reminder_that_its_page_shows(admin: Person, database: Database) -> None:
    reminder = {"reminder_wait": "4h", "reminder_reason": "Ask the carrier", "reminder_answer": "on"}
    macro = await added(admin, database, **reminder)
    assert macro.reminder == MacroReminder("4h", "Ask the carrier", cancelled_by_answer=True)
    path = f"{PATH}/{macro.id}"
    page = await admin.page(path)
    shown = {field.get("name"): field for field in page.all("input")}
    assert [shown[name]["value"] for name in ("reminder_wait", "reminder_reason")] == ["4h", "Ask the carrier"]
    assert "checked" in shown["reminder_answer"]
    assert "Reminder after 4h" in page.text
    form = {**HELD, "name": macro.name, "version": version(page)}
    for wait, words in (("soon", "must be minutes, hours or days"), ("", "must be minutes, hours or days")):
        answer = await admin.post(path, **{**form, **reminder, "reminder_wait": wait})
        assert answer.status_code == 422
        assert f"Reminder after : {words}" in Page(answer.text).text
    assert (await admin.post(path, **form)).status_code == 303
    async with database.statement() as tx:
        assert (await macros.get_macro(tx, OPERATOR, macro.id)).reminder is None
