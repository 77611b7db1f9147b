"""The page of the handover: what it shows, and that a shift is signed off once."""

from datetime import timedelta

import httpx
import pytest

from clearline.catalogue.assessment import Priority
from clearline.handovers import usecases as handovers
from clearline.identity import OPERATOR, Role
from clearline.platform.database.transactions import Database
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets.domain import Status, ticket_number
from clearline.web.once import new_key
from tests.builders.people import NOW, new_person, new_tenant
from tests.builders.tickets import raised
from tests.builders.web.opened import HOSTILE
from tests.builders.web.pages import Page, Person, person

PATH = "/console/handover"
SIGNED = "/console/handovers/"


@pytest.fixture(scope="module")
async def agent(client: httpx.AsyncClient, database: Database) -> Person:
    return await person(client, database)


async def test_a_shift_is_signed_off_and_kept_as_it_was(agent: Person, database: Database) -> None:
    assert "No critical ticket is open." in (await agent.page(PATH)).text
    tenant = await new_tenant(database)
    async with database.transaction() as tx:
        critical = await raised(tx, tenant, HOSTILE)
        await raised(tx, tenant, "Waits for a part", status=Status.HELD)
        await ticket_changes.change_ticket(tx, OPERATOR, critical, {"priority": Priority.CRITICAL}, now=NOW)
    page = await agent.page(PATH)
    assert "2 open tickets." in page.text
    assert page.text.count("Waits for a part") == 2
    ids = [attributes["id"] for _tag, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    note = f"Look at https://example.com/graph {HOSTILE}"
    answer = await agent.post(PATH, note=note, once=new_key())
    assert answer.status_code == 303
    address = answer.headers["location"]
    async with database.transaction() as tx:
        await ticket_changes.change_ticket(tx, OPERATOR, critical, {"title": "Is up again"}, now=NOW)
    text = (await agent.get(address)).text
    signed = Page(text)
    assert "Ben Ito" in signed.text
    assert "<script>alert" not in text
    assert not any("onerror" in attributes for _tag, attributes in signed.tags)
    assert signed.links("https://") == ["https://example.com/graph"]
    assert "Is up again" not in signed.text
    assert signed.links("/console/tickets/INC")[0] == f"/console/tickets/{ticket_number(critical)}"
    assert (await agent.page(PATH)).links(SIGNED)[0] == address


async def test_a_form_that_is_sent_twice_signs_off_once(agent: Person, database: Database) -> None:
    key = new_key()
    answers = [await agent.post(PATH, note=note, once=key) for note in ("Once", "Once", "Changed")]
    assert {answer.status_code for answer in answers} == {303}
    assert len({answer.headers["location"] for answer in answers}) == 1
    async with database.transaction() as tx:
        listed = await handovers.list_handovers(tx, OPERATOR, limit=50)
    assert [handover.note for handover in listed if handover.note in {"Once", "Changed"}] == ["Once"]


async def test_a_note_that_is_refused_is_not_lost(agent: Person) -> None:
    answer = await agent.post(PATH, note="x" * 4001, once=new_key())
    assert answer.status_code == 422
    assert "x" * 4001 in answer.text
    assert "4000 characters" in answer.text
    missing = await agent.post(PATH, note="Without a key")
    assert (missing.status_code, "Without a key" in missing.text) == (422, True)


async def test_earlier_handovers_go_on(agent: Person, database: Database) -> None:
    async with database.transaction() as tx:
        colleague = await new_person(tx, "Ines Duarte")
        for at in range(12):
            await handovers.sign_off(tx, colleague, f"Shift {at}", now=NOW - timedelta(hours=8 * at))
    first = await agent.page(PATH)
    [more] = [link for link in first.links(PATH) if "part=earlier" in link]
    later = await agent.page(more)
    assert len(first.links(SIGNED)) == 10
    assert not set(first.links(SIGNED)) & set(later.links(SIGNED))
    assert later.links(SIGNED)
    assert (await agent.get(f"{PATH}?part=nothing&after=x")).status_code == 200
    assert (await agent.get(f"{PATH}?part=earlier&after=x")).status_code == 400


async def test_a_viewer_reads_handovers_and_signs_none(
    client: httpx.AsyncClient, agent: Person, database: Database
) -> None:
    address = (await agent.post(PATH, note="For viewers", once=new_key())).headers["location"]
    viewer = await person(client, database, Role.VIEWER)
    assert "For viewers" in (await viewer.page(address)).text
    page = await viewer.page(PATH)
    assert PATH not in [form.get("action") for form in page.all("form")]
    assert (await viewer.post(PATH, note="Not mine", once=new_key())).status_code == 403
