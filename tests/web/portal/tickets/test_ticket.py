"""The page of a ticket, and what a customer does on it."""

import httpx
import pytest

from clearline.accounts import usecases as accounts
from clearline.identity import OPERATOR, Role
from clearline.notifications import preference_usecases as preferences
from clearline.platform.database.transactions import Database
from clearline.tickets.domain import Status
from clearline.tickets.links import merge_usecases as merging
from clearline.tickets.links import watcher_usecases as watching
from clearline.tickets.note_domain import Visibility
from clearline.web import csrf
from clearline.web.looks import CUSTOMER_STATUSES
from clearline.web.once import new_key
from clearline.web.portal.tickets.words import DONE, NEXT_STEPS
from tests.builders.people import NOW, new_person
from tests.builders.tickets import STEPS, raised
from tests.builders.web.customers import PortalTicket
from tests.builders.web.opened import HOSTILE
from tests.builders.web.pages import Page, led_to, session_of


def forms_of(page: Page) -> list[str]:
    """Return what the forms of a page that change something do."""
    actions = [form["action"] or "" for form in page.all("form") if form.get("method") == "post"]
    return [action.rpartition("/")[2] for action in actions if action.startswith("/portal/")]


async def test_the_page_shows_the_conversation_and_nothing_internal(opened: PortalTicket) -> None:
    await opened.answer("We changed the optic.")
    await opened.answer("zq8internal: it is our fault", Visibility.INTERNAL)
    text = (await opened.page()).text
    parts = (
        "Port is slow",
        "Slow since 08:00 UTC",
        "We changed the optic.",
        "support team",
        "Ada Okoro",
        "Being fixed",
    )
    for part in parts:
        assert part in text
    assert "zq8internal" not in text


async def test_agents_work_fields_are_not_shown(opened: PortalTicket) -> None:
    async with opened.database.transaction() as tx:
        agent = await new_person(tx, "Ines Duarte")
        assert agent.user is not None
        await tx.write(
            "update ticket set assignee_id = $1, tags = '{zq8tag}' where number = $2", agent.user.id, opened.number
        )
        await watching.watch(tx, OPERATOR, opened.number, agent.user.id, now=NOW)
    text = (await opened.page()).text
    assert "Ines Duarte" not in text
    assert "zq8tag" not in text


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.IN_PROGRESS])
async def test_each_status_says_who_acts_next_and_offers_what_a_customer_may_do(
    opened: PortalTicket, status: Status
) -> None:
    before = {Status.ACKNOWLEDGED, Status.REJECTED}
    if status in before:
        async with opened.database.transaction() as tx:
            await tx.write("update ticket set status = 'acknowledged' where number = $1", opened.number)
    await opened.move(*(step for step in STEPS[status] if step is not Status.IN_PROGRESS))
    page = await opened.page()
    assert NEXT_STEPS[status] in page.text
    assert CUSTOMER_STATUSES[status].label in page.text
    forms = set(forms_of(page))
    is_open = status not in {Status.CANCELLED, Status.CLOSED, Status.REJECTED}
    assert ("messages" in forms) == is_open
    assert ("works" in forms) == (is_open and status is not Status.CANCELLATION_REQUESTED)
    assert ("reopen" in forms) == (status is Status.RESOLVED)
    assert ("cancel" in forms) == (status in {Status.ACKNOWLEDGED, Status.PENDING, Status.HELD})
    assert ("close" in forms) == (status is Status.ACKNOWLEDGED)


async def test_the_steps_say_how_far_the_ticket_is(opened: PortalTicket) -> None:
    def states(page: Page) -> list[str | None]:
        return [item["class"] for item in page.all("li") if item.get("class") in {"done", "current", "ahead"}]

    assert states(await opened.page()) == ["done", "done", "current", "ahead"]  # work that began is an answer
    times = [item["datetime"] for item in (await opened.page()).all("time")][:3]
    await opened.answer("We look at it.")
    assert states(await opened.page()) == ["done", "done", "current", "ahead"]
    assert [item["datetime"] for item in (await opened.page()).all("time")][:3] == times
    await opened.move(Status.RESOLVED)
    assert states(await opened.page()) == ["done", "done", "done", "done"]
    await opened.move(Status.REOPENED)
    assert states(await opened.page()) == ["done", "done", "current", "ahead"]


async def test_a_reply_is_added_once_and_a_pending_ticket_goes_on(opened: PortalTicket) -> None:
    await opened.move(Status.PENDING)
    for _click in range(2):
        answer = await opened.send("messages", text="It is port 7.\n", once="a key")
        assert led_to(answer) == f"{opened.path}?done=sent"
    ticket, notes = await opened.stored()
    assert [(note.text, note.source, note.channel) for note in notes] == [("It is port 7.", "buyer", "Portal")]
    assert ticket.status is Status.IN_PROGRESS


async def test_a_reply_that_was_changed_after_a_lost_answer_is_not_lost(opened: PortalTicket) -> None:
    await opened.send("messages", text="It is port 7.", once="a key")
    answer = await opened.send("messages", 409, text="It is port 7, sorry, 8.", once="a key")
    assert "An earlier version of this was sent already" in Page(answer.text).text
    assert "It is port 7, sorry, 8." in answer.text
    assert len((await opened.stored())[1]) == 1


async def test_a_reply_has_files_without_scripts(opened: PortalTicket) -> None:
    fields = {"once": "a key", "text": "The log"}
    answer = await opened.person.post_files(f"{opened.path}/messages", {"log.txt": b"CRC 18422"}, **fields)
    assert answer.status_code == 303, answer.text
    page = await opened.page()
    [link] = page.links(f"{opened.path}/files/")
    content = await opened.person.get(link)
    assert content.content == b"CRC 18422"
    assert content.headers["content-disposition"].startswith("attachment;")
    alone = await opened.person.post_files(f"{opened.path}/messages", {"b.txt": b"b"}, once="another key", text="")
    assert alone.status_code == 303, alone.text
    assert len((await opened.page()).links(f"{opened.path}/files/")) == 2
    assert len((await opened.stored())[1]) == 1


async def test_a_file_that_is_refused_keeps_the_words(opened: PortalTicket) -> None:
    fields = {"once": "a key", "text": "The log"}
    answer = await opened.person.post_files(f"{opened.path}/messages", {"empty.txt": b""}, **fields)
    assert answer.status_code == 422, answer.text
    assert "because of a file. empty.txt: must not be empty. Choose the files again." in Page(answer.text).text
    assert "The log" in answer.text
    assert (await opened.stored())[1] == []


async def test_an_empty_reply_is_refused_in_words(opened: PortalTicket) -> None:
    answer = await opened.send("messages", 422, text=" \n")
    assert "refused" in answer.text
    assert (await opened.stored())[1] == []


async def test_a_finished_ticket_keeps_the_words_that_came_too_late(opened: PortalTicket) -> None:
    await opened.move(Status.RESOLVED, Status.CLOSED)
    answer = await opened.send("messages", 409, text="It fails again")
    assert "This was not sent:" in Page(answer.text).text
    assert "It fails again" in answer.text


async def test_it_works_again_closes_what_is_resolved_and_tells_of_other_tickets(opened: PortalTicket) -> None:
    answer = await opened.send("works")
    assert led_to(answer) == f"{opened.path}?done=works"
    ticket, notes = await opened.stored()
    assert (ticket.status, [note.text for note in notes]) == (Status.IN_PROGRESS, ["It works again."])
    await opened.move(Status.RESOLVED)
    answer = await opened.send("works")
    assert led_to(answer) == f"{opened.path}?done=closed"
    assert DONE["closed"] in (await opened.person.page(answer.headers["location"])).text
    ticket, notes = await opened.stored()
    assert (ticket.status, len(notes)) == (Status.CLOSED, 1)


async def test_a_resolved_ticket_is_reopened_with_a_reason(opened: PortalTicket) -> None:
    await opened.move(Status.RESOLVED)
    refused = await opened.send("reopen", 422, text=" ")
    assert "Must say why the problem is not solved" in Page(refused.text).text
    await opened.send("reopen", text="Still 2 % loss")
    assert (await opened.stored())[0].status is Status.REOPENED
    assert "Reopened: Still 2 % loss" in (await opened.page()).text
    again = await opened.send("reopen", 409, text="Still 3 % loss")
    assert "Still 3 % loss" in again.text


async def test_a_customer_closes_a_ticket_with_a_reason(opened: PortalTicket) -> None:
    assert "close" in forms_of(await opened.page())
    refused = await opened.send("close", 422, text=" ")
    assert "Must say why the ticket is closed" in Page(refused.text).text
    await opened.send("close", text="Our router was off")
    assert (await opened.stored())[0].status is Status.CLOSED
    page = await opened.page()
    assert "Closed: Our router was off" in page.text
    assert "close" not in forms_of(page)
    again = await opened.send("close", 409, text="It was our router")
    assert "It was our router" in again.text


async def test_a_customer_asks_for_cancellation(opened: PortalTicket) -> None:
    await opened.send("cancel", text="The order is withdrawn")
    assert (await opened.stored())[0].status is Status.CANCELLATION_REQUESTED
    page = await opened.page()
    assert "Cancellation asked for: The order is withdrawn" in page.text
    assert "cancel" not in forms_of(page)


async def test_people_of_the_company_follow_and_stop(opened: PortalTicket, client: httpx.AsyncClient) -> None:
    async with opened.database.transaction() as tx:
        colleague = await new_person(tx, "Marek Nowak", Role.CUSTOMER, company=opened.tenant.company.code)
        stranger = await new_person(tx, "Other Person", Role.AGENT)
    assert colleague.user is not None
    assert stranger.user is not None
    await opened.send("follow")
    await opened.send("follow", text=colleague.user.email.upper())
    page = await opened.page()
    assert "Remove Marek Nowak from the followers" in str(page.all("button"))
    assert "Remove Ada Okoro from the followers" in str(page.all("button"))
    for email in (stranger.user.email, "nobody@example.com"):
        refused = await opened.send("follow", 422, text=email)
        assert "Must be an active user of the ticket's company" in Page(refused.text).text
        assert email in refused.text
    for user in (colleague.user, opened.tenant.user):
        await opened.send("unfollow", user=str(user.id))
    assert "Nobody but the contact gets mail" in (await opened.page()).text
    person = await session_of(client, opened.database, colleague.user)
    assert "Port is slow" in (await person.page(opened.path)).text


async def test_hostile_text_is_no_markup(opened: PortalTicket) -> None:
    await opened.answer(HOSTILE)
    await opened.send("messages", text=HOSTILE)
    async with opened.database.transaction() as tx:
        await tx.write("update ticket set title = $1, service_label = $1 where number = $2", HOSTILE, opened.number)
        await accounts.change_user(
            tx, OPERATOR, opened.tenant.company.id, opened.tenant.user.id, {"name": HOSTILE[:200]}, now=NOW
        )
    await opened.send("follow")
    refused = await opened.send("reopen", 409, text=HOSTILE)
    for text in ((await opened.person.get(opened.path)).text, refused.text):
        assert "<script>alert" not in text
        assert "<img" not in text
        assert "'{{ 7 * 7 }}" in Page(text).text
        assert "'49" not in Page(text).text


async def test_times_are_in_the_zone_of_the_person(opened: PortalTicket) -> None:
    async with opened.database.transaction() as tx:
        await preferences.change_own(tx, opened.tenant.actor, {"time_zone": "Asia/Kolkata"}, now=NOW)
    text = (await opened.page()).text
    assert "1 Mar 2026, 17:30 IST" in text
    assert "Times are in Asia/Kolkata." in text


async def test_a_long_conversation_begins_with_its_newest_messages(opened: PortalTicket) -> None:
    for at in range(70):
        await opened.answer(f"Message number {at:03}")
    page = await opened.page()
    assert "Show 11 earlier entries" in page.text
    assert "Slow since 08:00 UTC" in page.text
    assert "Message number 009" not in page.text
    assert "Message number 069" in page.text
    assert "Message number 009" in (await opened.person.page(f"{opened.path}?all=1")).text


async def test_a_merged_ticket_leads_to_where_it_goes_on(opened: PortalTicket, database: Database) -> None:
    async with database.transaction() as tx:
        into = await raised(tx, opened.tenant, "The same")
        await merging.merge_ticket(tx, OPERATOR, opened.number, into, now=NOW)
    page = await opened.page()
    assert f"It goes on in INC{into:012d}." in page.text


@pytest.mark.parametrize(
    ("form", "text", "reason"),
    [
        ("messages", "", "Muss 1 bis "),
        ("messages", "x" * 4001, "Muss 1 bis "),
        ("cancel", "x" * 1001, "Darf höchstens "),
        ("cancel", "a\0b", "Darf keine Steuerzeichen enthalten"),
        ("reopen", "It still fails.", "Das Ticket hat inzwischen einen anderen Status"),
        ("follow", "nobody@example.com", "Muss die E-Mail-Adresse eines Kollegen sein"),
    ],
)
async def test_a_refused_form_says_why_in_german(opened: PortalTicket, form: str, text: str, reason: str) -> None:
    fields = {csrf.FIELD: opened.person.token_of_form(), "once": new_key(), "text": text}
    headers = {**opened.person.headers, "Accept-Language": "de"}
    answer = await opened.person.client.post(f"{opened.path}/{form}", headers=headers, data=fields)
    assert answer.status_code in {409, 422}
    assert reason in Page(answer.text).text


async def test_a_change_that_comes_too_late_is_refused_without_the_names_of_programs(opened: PortalTicket) -> None:
    text = Page((await opened.send("reopen", 409, text="It still fails.")).text).text
    assert "has another status by now" in text
    assert "in_progress" not in text


async def test_a_page_says_what_was_done_only_to_the_session_that_did_it(
    client: httpx.AsyncClient, opened: PortalTicket, database: Database
) -> None:
    true = (await opened.send("messages", text="We changed the optic.")).headers["location"]
    words, mark = set(DONE.values()), true.rpartition(".")[2]
    assert "Your reply is sent." in (await opened.person.page(true)).text
    other = await session_of(client, database, opened.person.user)
    for person, address in (
        (opened.person, f"{opened.path}?done=sent"),
        (opened.person, f"{opened.path}?done=closed.{mark}"),
        (opened.person, f"{opened.path}?done=sent.%C3%A9"),
        (other, true),
    ):
        text = (await person.page(address)).text
        assert not [said for said in words if said in text]


async def test_a_form_that_is_sent_again_in_a_later_session_says_what_was_done(
    client: httpx.AsyncClient, opened: PortalTicket, database: Database
) -> None:
    form = {"text": "We changed the optic.", "once": new_key()}
    await opened.send("messages", **form)
    later = await session_of(client, database, opened.person.user)
    again = await later.post(f"{opened.path}/messages", **form)
    assert led_to(again) == f"{opened.path}?done=sent"
    assert "Your reply is sent." in (await later.page(again.headers["location"])).text


FACTS = {
    "occurred_at": "2026-02-28T22:10", "observed_impact": "degraded", "testing_consent": "within_hours",
    "testing_hours": "at night", "dispatch_allowed": "yes", "site_access_contact": "Guard, +1-555-0140",
}  # fmt: skip


async def test_a_customer_says_more_about_the_fault_and_changes_it(opened: PortalTicket) -> None:
    assert "Say more about the fault" in (await opened.page()).text
    answer = await opened.send("fault", **FACTS)
    assert led_to(answer) == f"{opened.path}?done=fault"
    page = await opened.person.page(answer.headers["location"])
    for part in ("What you said about the fault is saved.", "Began 28 Feb 2026", "Intrusive tests at night", "Guard"):
        assert part in page.text
    wrong = await opened.send("fault", 422, **FACTS | {"testing_hours": "", "site_access_contact": HOSTILE})
    refused = Page(wrong.text)
    assert "What you changed about the fault is not saved yet" in refused.text
    assert [each.get("id") for _tag, each in refused.tags if "aria-invalid" in each] == ["testing_hours"]
    assert "<script>alert" not in wrong.text
    assert "Guard" in (await opened.page()).text
