"""The provider's lists in the admin pages, and which facts an issue type requires."""

from uuid import uuid4

import httpx
import pytest

from clearline.catalogue import entry_usecases as entries
from clearline.catalogue import term_usecases as terms
from clearline.catalogue.entry_usecases import ISSUE_TYPES
from clearline.catalogue.term_domain import Term, TermKind
from clearline.identity import OPERATOR, Role
from clearline.platform.database.transactions import Database
from tests.builders.web.pages import Page, Person, person
from tests.web.console.admin.forms import ISSUE_TYPE, TERM

PATH = "/console/admin/terms"


@pytest.fixture
async def admin(client: httpx.AsyncClient, database: Database) -> Person:
    return await person(client, database, Role.ADMIN)


async def read(database: Database, kind: TermKind, key: str) -> Term:
    async with database.statement() as tx:
        return await terms.term_named(tx, OPERATOR, kind, key)


def names(page: Page) -> set[str]:
    """Return the fields of the form of a term."""
    fields = [*page.all("input"), *page.all("select")]
    return {field.get("name") or "" for field in fields if (field.get("id") or "").startswith("field-")}


def version(page: Page) -> str:
    return next(field["value"] or "" for field in page.all("input") if field.get("name") == "version")


async def test_each_list_has_a_tab_with_its_terms(admin: Person) -> None:
    page = await admin.page(PATH)
    for word in ("Reasons to wait", "Sub-statuses", "Causes", "Actions", "Responsibilities"):
        assert word in page.text, word
    assert "Third party On hold · Waiting for another provider" in page.text
    assert "Dispatched" not in page.text
    page = await admin.page(f"{PATH}?state=sub_status")
    assert "Dispatched In progress · A technician is on the way" in page.text
    assert f"{PATH}/new?state=sub_status" in page.links(PATH)
    assert "Fibre cut" in (await admin.page(f"{PATH}?state=fault_cause")).text


@pytest.mark.parametrize(
    ("kind", "own"),
    [
        ("waiting_reason", {"is_customer_time", "customer_label", "customer_label_de"}),
        ("sub_status", {"statuses", "customer_label", "customer_label_de"}),
        ("fault_cause", set()),
        ("fault_action", set()),
        ("responsibility", set()),
    ],
)
async def test_a_term_has_the_fields_of_its_list(admin: Person, kind: str, own: set[str]) -> None:
    page = await admin.page(f"{PATH}/new?state={kind}")
    assert names(page) == {"kind", "key", "label", "help", "is_active", "position"} | own
    assert [option["value"] for option in page.all("option") if option.get("value") == kind] == [kind]


async def test_a_reason_is_added_changed_and_retired(admin: Person, database: Database) -> None:
    key = f"k{uuid4().hex[:8]}"
    form = {**TERM, "kind": "waiting_reason", "key": key, "is_customer_time": "on", "once": uuid4().hex}
    answer = await admin.post(PATH, **form)
    assert answer.status_code == 303, answer.text
    term = await read(database, TermKind.WAITING_REASON, key)
    assert (term.label, term.statuses, term.is_customer_time) == ("Spares", ("held",), True)
    assert (term.customer_label, term.customer_label_de) == ("Waiting for a part", "Wir warten auf ein Ersatzteil")
    page = await admin.page(f"{PATH}/{term.id}")
    changed = {"label": "Parts", "help": "", "customer_label": "", "customer_label_de": "", "position": "7"}
    answer = await admin.post(f"{PATH}/{term.id}", **changed, statuses="pending", version=version(page))
    assert answer.status_code == 303, answer.text
    term = await read(database, TermKind.WAITING_REASON, key)
    assert (term.label, term.statuses, term.is_customer_time) == ("Parts", ("pending",), False)
    assert (term.is_active, term.position) == (False, 7)
    assert "Parts retired Waiting on customer" in (await admin.page(PATH)).text


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"key": "Not a key"}, "Key : must be a small letter"),
        ({"key": "third_party"}, "exists already"),
        ({"label": ""}, "Label : must have 1 to 64 characters"),
        ({"statuses": "resolved"}, "must be pending, held or both"),
        ({"customer_label": ""}, "is required with a German one"),
        ({"position": "soon"}, "must be a whole number from 0 to 9999"),
        ({"kind": "sub_status", "statuses": "closed"}, "must be one of acknowledged"),
    ],
    ids=["key", "taken", "label", "statuses", "german", "position", "sub-status"],
)
async def test_a_wrong_term_is_refused(admin: Person, fields: dict[str, str], words: str) -> None:
    form = {**TERM, "kind": "waiting_reason", "key": f"k{uuid4().hex[:8]}", "once": uuid4().hex, **fields}
    answer = await admin.post(PATH, **form)
    assert answer.status_code in {409, 422}
    page = Page(answer.text)
    assert words in page.text
    assert TERM["help"] in [field.get("value") for field in page.all("input")]


async def test_an_issue_type_requires_facts_of_the_closure(admin: Person, database: Database) -> None:
    name = f"Type {uuid4().hex}"
    form = {**ISSUE_TYPE, "name": name, "key": "", "closure_required": "resolution", "once": uuid4().hex}
    answer = await admin.post("/console/admin/issue-types", **form)
    assert answer.status_code == 303, answer.text
    async with database.statement() as tx:
        entry = await entries.entry_called(tx, OPERATOR, ISSUE_TYPES, name)
    assert entry.closure_required == ("resolution",)
    page = await admin.page(f"/console/admin/issue-types/{entry.id}")
    boxes = [box["value"] for box in page.all("input") if box.get("name") == "closure_required" and "checked" in box]
    assert boxes == ["resolution"]
