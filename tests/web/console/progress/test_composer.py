"""What goes with the status that a message of the composer sets."""

from uuid import UUID

import httpx
import pytest

from clearline.catalogue import entry_usecases as entries
from clearline.catalogue.entry_usecases import ISSUE_TYPES
from clearline.catalogue.usecases import current_catalogue
from clearline.identity import OPERATOR
from clearline.platform.database.transactions import Database
from clearline.tickets.domain import Closure, Status
from clearline.web.once import new_key
from tests.builders.people import NOW
from tests.builders.web.messages import send_due
from tests.builders.web.opened import Opened, composer_of, hidden
from tests.builders.web.pages import Page

HELD = {"then": "held", "waiting_reason_held": "third_party", "waiting_text_held": "zq8 splices"}
RESOLVED = {"then": "resolved", "closure_cause": "power", "closure_resolution": "zq8 It is on again."}


async def send(opened: Opened, expected: int = 303, /, **fields: str) -> httpx.Response:
    """Send a reply, and leave it where it can be taken back."""
    fields = {"visibility": "public", "text": "We look", **hidden(await opened.page()), **fields}
    answer = await opened.agent.post(f"{opened.path}/messages", **fields)
    assert answer.status_code == expected, answer.text
    return answer


def chosen(page: Page) -> list[str]:
    """Return what is chosen in the composer."""
    return [option["value"] or "" for option in page.all("option") if "selected" in option]


async def require(database: Database, issue_type: str, *facts: str) -> UUID:
    async with database.transaction() as tx:
        entry = (await current_catalogue(tx)).issue_types[issue_type]
        await entries.change_entry(tx, OPERATOR, ISSUE_TYPES, entry.id, {"closure_required": facts}, now=NOW)
    return entry.id


async def test_a_reply_puts_the_ticket_on_hold_with_a_reason(opened: Opened) -> None:
    await send(opened, **HELD, sub_status_held="with_carrier", waiting_reason_pending="", closure_cause="")
    assert (await opened.ticket()).status is Status.IN_PROGRESS
    await send_due(opened.database)
    ticket = await opened.ticket()
    assert ticket.waiting is not None
    assert (ticket.status, ticket.sub_status) == (Status.HELD, "with_carrier")
    assert (ticket.waiting.reason, ticket.waiting.text) == ("third_party", "zq8 splices")
    assert ticket.closure is None


async def test_a_note_resolves_the_ticket_with_what_was_found(opened: Opened) -> None:
    await send(
        opened, **RESOLVED, visibility="internal", waiting_reason_held="", waiting_text_held="not of this status"
    )
    await send_due(opened.database)
    ticket = await opened.ticket()
    assert (ticket.status, ticket.waiting) == (Status.RESOLVED, None)
    assert ticket.closure == Closure("power", resolution="zq8 It is on again.")


async def test_without_a_reason_nothing_is_sent_and_everything_stays(opened: Opened) -> None:
    answer = await send(opened, 422, **{**HELD, "waiting_reason_held": ""})
    page = Page(answer.text)
    assert "Reason to wait must be chosen." in page.text
    assert "zq8 splices" in page.text
    assert chosen(page) == ["held"]
    assert (await opened.stored())[1] == []


async def test_what_the_issue_type_requires_is_asked_for(opened: Opened, database: Database) -> None:
    issue_type = (await opened.ticket()).issue_type
    await require(database, issue_type, "cause", "action")
    try:
        answer = await send(opened, 422, **RESOLVED)
        page = Page(answer.text)
        assert "Action taken is required to resolve a ticket of this type." in page.text
        assert "zq8 It is on again." in page.text
        assert sorted(chosen(page)) == ["power", "resolved"]
        await send(opened, **RESOLVED, closure_action="none")
        await send_due(opened.database)
        assert (await opened.ticket()).status is Status.RESOLVED
    finally:
        await require(database, issue_type)


@pytest.mark.parametrize("fields", [HELD, RESOLVED], ids=["held", "resolved"])
async def test_a_message_that_is_taken_back_stands_in_the_composer_with_its_facts(
    opened: Opened, fields: dict[str, str]
) -> None:
    await send(opened, **fields)
    actions = [form.get("action") or "" for form in (await opened.page()).all("form")]
    [path] = [action for action in actions if "/pending/" in action]
    answer = await opened.agent.post(path, once=new_key())
    page = await opened.agent.page(answer.headers["location"])
    assert await composer_of(opened) == "We look"
    assert set(chosen(page)) == {fields["then"], fields.get("waiting_reason_held") or "power"}
    assert "zq8" in page.text


async def test_a_draft_keeps_what_goes_with_its_status(opened: Opened) -> None:
    fields = {"visibility": "public", "once": new_key(), "text": "We look", **HELD}
    assert (await opened.agent.post(f"{opened.path}/draft", **fields)).status_code == 200
    page = await opened.page()
    assert set(chosen(page)) == {"held", "third_party"}
    assert "zq8 splices" in page.text


@pytest.mark.parametrize(
    "wrong",
    [{"waiting_reason_held": "a\0b"}, {"waiting_text_held": "a\0b"}, {"sub_status_held": "dispatched"}],
    ids=["key", "text", "sub-status"],
)
async def test_wrong_values_are_refused(opened: Opened, wrong: dict[str, str]) -> None:
    await send(opened, 422, **{**HELD, **wrong})
    assert (await opened.stored())[1] == []
