"""The page of forms: an admin writes the fields of an issue type, line by line."""

from collections.abc import AsyncIterator

import httpx
import pytest

from clearline.catalogue import entry_usecases as entries
from clearline.catalogue.entry_usecases import ISSUE_TYPES
from clearline.fields.domain import FieldAudience
from clearline.identity import OPERATOR, Role
from clearline.platform.database.transactions import Database
from clearline.tickets.forms import usecases as forms
from clearline.tickets.forms.domain import NO_ID, Condition, Form, FormField
from clearline.tickets.forms.wording import field_of, line_of
from tests.builders.house import no_forms
from tests.builders.web.pages import Page, Person, person

LINES = "title!\r\ndescription!\r\ndispatch_allowed\r\nsite_access! ? dispatch_allowed = true\r\n\r\ncc?site_access"
STORED = "title!\ndescription!\ndispatch_allowed\nsite_access! ? dispatch_allowed = true\ncc ? site_access"


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


async def saved(admin: Person, path: str, **texts: str) -> httpx.Response:
    """Send the form of the page as it is now, with these texts."""
    page = await admin.page(path)
    [version] = [str(each["value"]) for each in page.all("input") if each.get("name") == "version"]
    return await admin.post(path, **texts, version=version)


async def stored(database: Database, audience: FieldAudience = FieldAudience.CUSTOMER) -> Form:
    async with database.transaction() as tx:
        return await forms.get_form(tx, OPERATOR, "Circuit Down", audience)


@pytest.mark.parametrize("line", STORED.split("\n"))
def test_a_line_says_the_same_as_its_field(line: str) -> None:
    assert line_of(field_of(line)) == line


async def test_an_admin_defines_reorders_and_empties_a_form(admin: Person, database: Database) -> None:
    path = await address(database)
    assert "Every field is asked for" in (await admin.page("/console/admin/forms")).text
    page = await admin.page(path)
    assert "dispatch_allowed (true | false)" in page.text
    answer = await saved(admin, path, customer=LINES, staff="")
    assert answer.status_code == 303, answer.text
    form = await stored(database)
    assert form.fields[3:] == (
        FormField("site_access", is_required=True, when=Condition("dispatch_allowed", (True,))),
        FormField("cc", when=Condition("site_access")),
    )
    assert (await stored(database, FieldAudience.STAFF)).id == NO_ID
    assert STORED in (await admin.get(path)).text
    assert "For customers: 5 fields" in (await admin.page("/console/admin/forms")).text
    assert (await saved(admin, path, customer="", staff="description\ntitle")).status_code == 303
    assert (await stored(database)).id == NO_ID
    assert [field.name for field in (await stored(database, FieldAudience.STAFF)).fields] == ["description", "title"]


async def test_a_line_that_breaks_a_rule_is_named_and_nothing_is_stored(admin: Person, database: Database) -> None:
    path = await address(database)
    refused = await saved(admin, path, customer="title\ndescription", staff="title\ndescription\ncc ? nothing")
    assert refused.status_code == 422
    page = Page(refused.text)
    assert "n the line cc ? nothing: must be a field that stands before it" in page.text
    assert (await stored(database)).id == NO_ID
