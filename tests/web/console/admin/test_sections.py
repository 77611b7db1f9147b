"""What every section of the administration does alike: add once, keep what was typed, refuse what is stale."""

import re
from typing import Any
from uuid import uuid4

import httpx
import pytest

from clearline.platform.database.transactions import Database
from clearline.web.console.admin.pages import SECTIONS
from clearline.web.console.admin.section import AdminSection
from tests.builders.web.pages import Page
from tests.web.console.admin import forms
from tests.web.console.admin.forms import Desk, new_desk

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
ALONE = {"webhook", "mailbox", "tier"}
"""Sections whose forms have no name that has to be there; their own tests say the same of them."""
LABELS = {"field": "label", "term": "label"}
"""The field that names a record, of sections where it is not ``name``."""
STRICT = {"issueType", "serviceType"}
"""Sections whose names refuse quotation marks; their names for customers do not."""
EDITED = [section for section in SECTIONS if section.can_create and section.can_change and section.noun not in ALONE]


def named(section: AdminSection[Any]) -> str:
    return section.noun


@pytest.fixture(scope="module")
async def desk(client: httpx.AsyncClient, database: Database) -> Desk:
    return await new_desk(client, database)


def word(section: AdminSection[Any]) -> str:
    return section.noun[0].upper() + section.noun[1:]


def label_of(section: AdminSection[Any]) -> str:
    """Return the field that names a record."""
    return LABELS.get(section.noun, "name")


def form_of(desk: Desk, section: AdminSection[Any], **values: str) -> dict[str, str]:
    """Return a form of a new record that is accepted, with a name of its own; ``name`` is the value that names it."""
    form = {**forms.form_of(desk, f"create{word(section)}"), "once": uuid4().hex}
    form[label_of(section)] = values.pop("name", f"N {uuid4().hex}")
    if section.noun in {"field", "term"}:
        form["key"] = f"k{uuid4().hex[:8]}"
    if "email" in form:
        form["email"] = f"{uuid4().hex}@example.net"
    if "code" in form:
        form["code"] = uuid4().hex[:8]
    return {**form, **values}


def hidden(page: Page, name: str) -> str:
    return next(field["value"] or "" for field in page.all("input") if field.get("name") == name)


async def added(desk: Desk, section: AdminSection[Any], **values: str) -> str:
    """Add a record; return the address of its form."""
    answer = await desk.admin.post(section.path, **form_of(desk, section, **values))
    assert answer.status_code == 303, answer.text
    return answer.headers["location"].partition("?")[0]


def is_safe(text: str) -> bool:
    tags = Page(text).tags
    return "<script>alert" not in text and "<img src=x" not in text and not [a for _tag, a in tags if "onerror" in a]


@pytest.mark.parametrize("section", EDITED, ids=named)
async def test_a_record_is_added_once_and_then_changed(desk: Desk, section: AdminSection[Any]) -> None:
    form, label = form_of(desk, section), label_of(section)
    first, again = await desk.admin.post(section.path, **form), await desk.admin.post(section.path, **form)
    assert (first.status_code, again.status_code) == (303, 303), first.text
    assert first.headers["location"] == again.headers["location"]
    page = await desk.admin.page(first.headers["location"])
    assert section.words["done create"] in page.text
    assert form[label] in page.text
    path = first.headers["location"].partition("?")[0]
    changed = {**form, label: f"M {uuid4().hex}", "version": hidden(page, "version")}
    answer = await desk.admin.post(path, **changed)
    assert answer.status_code == 303, answer.text
    page = await desk.admin.page(answer.headers["location"])
    assert "Saved." in page.text
    assert changed[label] in page.text
    assert form[label] not in page.text


@pytest.mark.parametrize("section", EDITED, ids=named)
async def test_a_form_of_an_older_state_is_not_saved_but_kept(desk: Desk, section: AdminSection[Any]) -> None:
    path = await added(desk, section)
    page = await desk.admin.page(path)
    version, mine, theirs = hidden(page, "version"), f"Mine {uuid4().hex}", f"Theirs {uuid4().hex}"
    assert (await desk.admin.post(path, **form_of(desk, section, name=theirs, version=version))).status_code == 303
    late = await desk.admin.post(path, **form_of(desk, section, name=mine, version=version))
    assert late.status_code == 409
    page = Page(late.text)
    assert "Somebody changed this meanwhile." in page.text
    assert f"Now stored: {theirs}" in page.text
    assert hidden(page, label_of(section)) == mine
    again = await desk.admin.post(path, **form_of(desk, section, name=mine, version=hidden(page, "version")))
    assert again.status_code == 303
    assert mine in (await desk.admin.page(path)).text


@pytest.mark.parametrize("section", EDITED, ids=named)
async def test_a_refused_form_names_the_field_and_keeps_what_was_typed(desk: Desk, section: AdminSection[Any]) -> None:
    path = await added(desk, section)
    for address in (section.path, path):
        form = form_of(desk, section, name="", version=hidden(await desk.admin.page(path), "version"))
        refused = await desk.admin.post(address, **form)
        assert refused.status_code == 422, refused.text
        page = Page(refused.text)
        assert re.search(r"Must have 1 to \d+ characters\.", page.text)
        label = label_of(section)
        field = next(field for field in page.all("input") if field.get("name") == label)
        assert (field["aria-invalid"], field["aria-describedby"]) == ("true", f"about-{label}")
        shown = {field.get("name"): field.get("value") for field in page.all("input")}
        for name in ("email", "code", "add_tags", "customer_name_de", "help", "pattern"):
            assert shown.get(name) == form.get(name)


@pytest.mark.parametrize("section", EDITED, ids=named)
async def test_text_in_every_field_is_shown_as_text(desk: Desk, section: AdminSection[Any]) -> None:
    hostile = {"customer_name": HOSTILE} if section.noun in STRICT else {"name": HOSTILE + uuid4().hex[:8]}
    path = await added(desk, section, **hostile)
    answers = [await desk.admin.get(path), await desk.admin.get(section.path)]
    for field in form_of(desk, section):
        if field == "once":
            continue
        answers.append(await desk.admin.post(section.path, **form_of(desk, section, **{field: HOSTILE})))
        answers.append(await desk.admin.post(path, **form_of(desk, section, **{field: HOSTILE}, version="old")))
        if (to := answers[-2].headers.get("location", "").partition("?")[0]) and to != section.path:
            answers.append(await desk.admin.get(to))
    for answer in answers:
        assert answer.status_code in {200, 303, 409, 422}, answer.text
        assert is_safe(answer.text)


@pytest.mark.parametrize("section", [section for section in EDITED if section.can_delete], ids=named)
async def test_a_record_is_deleted(desk: Desk, section: AdminSection[Any]) -> None:
    path = await added(desk, section)
    answer = await desk.admin.post(f"{path}/delete")
    assert answer.status_code == 303, answer.text
    assert "Deleted." in (await desk.admin.page(answer.headers["location"])).text
    assert (await desk.admin.get(path)).status_code == 404
