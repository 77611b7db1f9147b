"""Setting a status with what goes with it on the page of a ticket."""

from typing import Any

import pytest

from clearline.catalogue import entry_usecases as entries
from clearline.catalogue import term_usecases as terms
from clearline.catalogue.entry_usecases import ISSUE_TYPES
from clearline.catalogue.term_domain import TermKind
from clearline.catalogue.usecases import current_catalogue
from clearline.identity import OPERATOR
from clearline.platform.database.transactions import Database
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets.domain import Closure, Status
from clearline.tickets.progress.facts import StatusFacts
from tests.builders.people import NOW
from tests.builders.web.opened import Opened
from tests.builders.web.pages import Page

CLOSURE = {
    "closure_cause": "fibre_cut", "closure_action": "fibre_repaired", "closure_responsibility": "third_party",
    "closure_fault_found": "yes", "closure_root_cause": "A digger.", "closure_resolution": "The fibre is spliced.",
}  # fmt: skip


async def form(opened: Opened, query: str) -> Page:
    return await opened.agent.page(f"{opened.path}/status?{query}")


def options(page: Page) -> list[str]:
    """Return what the picker of the status offers: the values of its buttons, and the queries of its links."""
    choices = [(attributes.get("value") or attributes.get("href") or "") for _tag, attributes in page.tags
               if (attributes.get("id") or "").startswith("status-")]  # fmt: skip
    return [choice.rpartition("?")[2] for choice in choices]


async def test_the_picker_shows_the_sub_statuses_under_each_status(opened: Opened) -> None:
    assert options(await opened.page()) == [
        "in_progress", "in_progress.dispatched", "in_progress.monitoring",
        "status=pending", "status=held", "status=held&sub_status=with_carrier", "status=resolved",
        "cancellation_requested", "cancelled",
    ]  # fmt: skip


async def test_a_sub_status_is_set_and_removed_in_the_picker(opened: Opened) -> None:
    await opened.send("status", status="in_progress.dispatched", shown="in_progress")
    assert (await opened.ticket()).sub_status == "dispatched"
    page = await opened.page()
    assert "Dispatched" in page.text
    assert "Ines Duarte set the sub-status to Dispatched" in page.text
    assert "in_progress.dispatched" in [field.get("value") for field in page.all("input")]
    await opened.send("status", status="in_progress", shown="in_progress.dispatched")
    assert (await opened.ticket()).sub_status is None
    assert "Ines Duarte removed the sub-status" in (await opened.page()).text


async def test_a_sub_status_that_somebody_changed_meanwhile_is_not_replaced(opened: Opened, database: Database) -> None:
    async with database.transaction() as tx:
        await ticket_changes.change_facts(tx, OPERATOR, opened.number, {"sub_status": "monitoring"}, now=NOW)
    answer = await opened.send("status", 409, status="in_progress.dispatched", shown="in_progress")
    assert "somebody changed the status to In progress, Monitoring meanwhile" in Page(answer.text).text
    assert (await opened.ticket()).sub_status == "monitoring"


async def test_a_ticket_is_held_with_a_reason_a_text_and_a_sub_status(opened: Opened) -> None:
    page = await form(opened, "status=held&sub_status=with_carrier")
    radios = [field["value"] for field in page.all("input") if field.get("type") == "radio"]
    assert radios[-3:] == ["maintenance_window", "third_party", "force_majeure"]
    assert "Customers read: Waiting for another provider" in page.text
    chosen = [option["value"] for option in page.all("option") if "selected" in option]
    assert chosen == ["with_carrier"]
    await opened.send(
        "status/facts", status="held", shown="in_progress", waiting_reason="third_party",
        waiting_text=" The carrier splices ", sub_status="with_carrier",
    )  # fmt: skip
    ticket = await opened.ticket()
    assert ticket.waiting is not None
    assert (ticket.status, ticket.sub_status) == (Status.HELD, "with_carrier")
    assert (ticket.waiting.reason, ticket.waiting.text) == ("third_party", "The carrier splices")
    assert ticket.waiting.by == "Ines Duarte"
    shown = (await opened.page()).text
    assert "Change why it waits" in [link.get("aria-label") for link in (await opened.page()).all("a")]
    for words in (
        "With carrier", "Third party", "The carrier splices",
        "Ines Duarte set the status to On hold (With carrier, Third party, The carrier splices)",
    ):  # fmt: skip
        assert words in shown, words
    history = await opened.agent.page(f"{opened.path}/history")
    assert "On hold (With carrier, Third party, The carrier splices)" in history.text


async def test_the_reason_is_changed_later(opened: Opened) -> None:
    await opened.send("status/facts", status="held", waiting_reason="third_party", waiting_text="Splices")
    page = await form(opened, "")
    assert [field["value"] for field in page.all("input") if "checked" in field and "value" in field] == ["third_party"]
    assert "Splices" in page.text
    await opened.send(
        "status/facts", status="held", shown="held", waiting_reason="maintenance_window", waiting_text="", sub_status=""
    )
    ticket = await opened.ticket()
    assert ticket.waiting is not None
    assert (ticket.waiting.reason, ticket.waiting.text) == ("maintenance_window", "")
    assert "Ines Duarte set why it waits to Maintenance window" in (await opened.page()).text


@pytest.mark.parametrize(
    ("given", "status", "words"),
    [
        ({"status": "held", "waiting_text": "Wait & see"}, 422, "Why it waits must be chosen"),
        ({"status": "pending", "waiting_reason": "third_party"}, 422, "must be one of customer_time"),
        ({"status": "held", "waiting_reason": "nothing"}, 422, "Why it waits must be one of"),
        ({"status": "held", "waiting_reason": "third_party", "sub_status": "dispatched"}, 422, "Sub-status must be"),
        (
            {"status": "held", "waiting_reason": "third_party", "waiting_text": "x" * 1001},
            422,
            "must have at most 1000",
        ),
        ({"status": "resolved", "closure_fault_found": "maybe"}, 422, "Fault found must be one of yes, no"),
        ({"status": "held", "waiting_reason": "third_party", "shown": "pending"}, 409, "somebody changed the status"),
        ({"status": "closed"}, 409, "cannot become"),
    ],
    ids=["no reason", "of the other", "unknown", "sub-status", "long", "answer", "changed", "move"],
)
async def test_what_is_refused_keeps_what_was_typed(
    opened: Opened, given: dict[str, str], status: int, words: str
) -> None:
    before = await opened.ticket()
    answer = await opened.send("status/facts", status, **given)
    page = Page(answer.text)
    assert words in page.text
    assert await opened.ticket() == before
    if "waiting_text" in given:
        assert given["waiting_text"] in page.text


async def test_a_ticket_is_resolved_with_what_was_found_and_done(opened: Opened) -> None:
    page = await form(opened, "status=resolved")
    assert [field["name"] for field in page.all("select") if "required" in field] == []
    await opened.send("status/facts", status="resolved", shown="in_progress", **CLOSURE)
    ticket = await opened.ticket()
    assert ticket.status is Status.RESOLVED
    assert ticket.closure == Closure(
        "fibre_cut", "fibre_repaired", "third_party", fault_found=True, root_cause="A digger.",
        resolution="The fibre is spliced.",
    )  # fmt: skip
    page = await opened.page()
    for words in (
        "What was found and done", "Fibre cut", "Fibre repaired", "A digger.", "The fibre is spliced.",
        "Ines Duarte noted what was found and done: Cause: Fibre cut, Action taken: Fibre repaired",
    ):  # fmt: skip
        assert words in page.text, words


async def test_what_was_found_is_changed_later_and_removed(opened: Opened) -> None:
    await opened.send("status/facts", status="resolved", shown="in_progress", **CLOSURE)
    await opened.send("status/facts", status="resolved", shown="resolved", closure_cause="power")
    assert (await opened.ticket()).closure == Closure("power")


async def test_what_the_issue_type_requires_is_marked_and_asked_for(opened: Opened, database: Database) -> None:
    async with database.transaction() as tx:
        entry = (await current_catalogue(tx)).issue_types[(await opened.ticket()).issue_type]
        values: dict[str, Any] = {"closure_required": ("cause", "resolution")}
        await entries.change_entry(tx, OPERATOR, ISSUE_TYPES, entry.id, values, now=NOW)
    try:
        page = await form(opened, "status=resolved")
        required = [field["name"] for tag in ("select", "textarea") for field in page.all(tag) if "required" in field]
        assert required == ["closure_cause", "closure_resolution"]
        answer = await opened.send(
            "status/facts", 422, status="resolved", closure_cause="power", closure_resolution=" "
        )
        page = Page(answer.text)
        assert "Resolution for the customer is required to resolve a ticket of this type" in page.text
        assert [option["value"] for option in page.all("option") if "selected" in option] == ["power"]
        await opened.send("status/facts", status="resolved", closure_cause="power", closure_resolution="It is on.")
        assert (await opened.ticket()).closure == Closure("power", resolution="It is on.")
    finally:
        async with database.transaction() as tx:
            await entries.change_entry(tx, OPERATOR, ISSUE_TYPES, entry.id, {"closure_required": ()}, now=NOW)


async def test_a_retired_reason_that_a_ticket_has_stays_a_choice(opened: Opened, database: Database) -> None:
    await opened.send("status/facts", status="held", waiting_reason="force_majeure")
    async with database.transaction() as tx:
        term = await terms.term_named(tx, OPERATOR, TermKind.WAITING_REASON, "force_majeure")
        await terms.change_term(tx, OPERATOR, term.id, {"is_active": False}, now=NOW)
    try:
        page = await form(opened, "")
        assert "force_majeure" in [field.get("value") for field in page.all("input")]
        await opened.send("status/facts", status="held", waiting_reason="force_majeure", waiting_text="Snow")
    finally:
        async with database.transaction() as tx:
            await terms.change_term(tx, OPERATOR, term.id, {"is_active": True}, now=NOW)


async def test_a_finished_ticket_is_asked_nothing(opened: Opened, database: Database) -> None:
    async with database.transaction() as tx:
        await ticket_changes.move_ticket(
            tx, OPERATOR, opened.number, Status.CANCELLED, reason="", facts=StatusFacts(), now=NOW
        )
    answer = await opened.agent.get(f"{opened.path}/status")
    assert (answer.status_code, answer.headers["location"]) == (303, opened.path)
    assert (await opened.agent.get(f"{opened.path}/status?status=held")).status_code == 404
