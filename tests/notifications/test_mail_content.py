"""What receipts and notifications say, in the words and the time of their reader."""

from uuid import uuid4

import pytest
from msgspec.structs import replace

from clearline.identity import OPERATOR, Actor, Role
from clearline.inventory.domain import ServiceType
from clearline.mail.inbound import mailbox_usecases as mailboxes
from clearline.mail.inbound.secret_box import SecretBox
from clearline.notifications.recipients import GROUPING_WINDOW
from clearline.platform.database.transactions import Tx
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets import note_usecases as notes
from clearline.tickets import usecases as tickets
from clearline.tickets.domain import UNKNOWN_SERVICE, Channel, Status
from tests.builders.mail.notification_rig import CONTACT, NotificationRig, new_watcher, note
from tests.builders.people import NOW, email_of, new_person
from tests.builders.tickets import a_new_ticket, raised


async def test_a_receipt_says_what_was_raised_by_whom_and_how_to_answer(rig: NotificationRig) -> None:
    await rig.transact(add_mailbox)

    async def work(tx: Tx) -> int:
        agent = await new_person(tx, "Mara Lind", role=Role.AGENT)
        new = replace(a_new_ticket(), description="No light since 11:40.\nWe changed the optic.")
        created = await tickets.create_ticket(tx, agent, new, company_id=rig.tenant.company.id, now=NOW)
        return created.ticket.number

    await rig.transact(work)
    await rig.advance(GROUPING_WINDOW)
    [mail] = await rig.take_sent()
    for words in (
        "Port is slow",
        "No light since 11:40.",
        "We changed the optic.",
        "Mara Lind",
        "1 Mar 2026 12:00 UTC",
        "Times are in UTC.",
        "Received",
        "Reply to this mail to add a note to the ticket.",
    ):
        assert words in " ".join(mail.text.split())
        assert words in mail.html


@pytest.mark.parametrize("channel", [Channel.API, Channel.CONSOLE, Channel.EMAIL])
async def test_the_channel_of_a_text_decides_whether_its_marks_are_rendered(
    rig: NotificationRig, channel: Channel
) -> None:
    async def raise_ticket(tx: Tx) -> int:
        new = replace(a_new_ticket(), description="**Dark** since 11:40.", channel=channel)
        created = await tickets.create_ticket(tx, rig.tenant.actor, new, company_id=rig.tenant.company.id, now=NOW)
        return created.ticket.number

    number = await rig.transact(raise_ticket)
    await rig.record()
    await rig.transact(
        lambda tx: notes.append_note(tx, OPERATOR, number, "**Optic** changed.", channel=channel, now=NOW)
    )
    await rig.advance(GROUPING_WINDOW)
    [mail] = await rig.take_sent()
    for word in ("Dark", "Optic"):
        assert f"**{word}**" in mail.text
        assert (f"<strong>{word}</strong>" in mail.html) == (channel != Channel.EMAIL)


async def test_a_receipt_without_a_mailbox_says_how_to_answer(rig: NotificationRig) -> None:
    await rig.transact(lambda tx: tx.write("update mailbox set is_active = false"))
    await rig.transact(lambda tx: raised(tx, rig.tenant))
    await rig.advance(GROUPING_WINDOW)
    [mail] = await rig.take_sent()
    assert "contact us and name the number of the ticket" in mail.text
    assert "Reply to this mail" not in mail.text


async def add_mailbox(tx: Tx) -> None:
    await mailboxes.add_mailbox(
        tx, OPERATOR, {"address": f"support-{uuid4().hex}@example.net"}, secret_box=SecretBox(b"k"), now=NOW
    )


@pytest.mark.parametrize(
    ("service", "line"), [("NET-AMS-0012", "Service:   NET-AMS-0012"), (UNKNOWN_SERVICE, None), (" ", None)]
)
async def test_a_service_that_is_not_known_has_no_line(rig: NotificationRig, service: str, line: str | None) -> None:
    new = replace(a_new_ticket(), service_type=ServiceType.NON_CONSOLE, service_id=service)
    await rig.transact(lambda tx: tickets.create_ticket(tx, OPERATOR, new, company_id=rig.tenant.company.id, now=NOW))
    await rig.advance(GROUPING_WINDOW)
    [mail] = await rig.take_sent()
    assert [text for text in mail.text.splitlines() if text.startswith("Service:")] == ([line] if line else [])
    assert ("Service" in mail.html) == (line is not None)


@pytest.mark.parametrize(
    ("status", "customers", "staffs"),
    [
        (Status.PENDING, "Waiting for your answer", "Pending"),
        (Status.HELD, "On hold", "Held"),
        (Status.IN_PROGRESS, "In progress", "In progress"),
        (Status.REJECTED, "Rejected", "Rejected"),
    ],
)
async def test_a_status_is_in_the_words_of_its_reader(
    rig: NotificationRig, status: Status, customers: str, staffs: str
) -> None:
    async def work(tx: Tx) -> Actor:
        number = await raised(tx, rig.tenant)
        agent = await new_watcher(tx, number, Role.AGENT)
        await ticket_changes.move_ticket(tx, OPERATOR, number, status, reason="", now=NOW)
        return agent

    agent = await rig.transact(work)
    await rig.advance(GROUPING_WINDOW)
    mails = {mail.to: mail for mail in await rig.take_sent()}
    for to, first, after in (
        (CONTACT, "received", customers),
        (email_of(agent), "acknowledged", staffs),
    ):
        assert f"Changed the status from {first} to {after.lower()}." in mails[to].html
        assert f"Status:    {after}" in mails[to].text.splitlines()


async def test_times_are_in_the_zone_of_the_reader_and_name_it(rig: NotificationRig) -> None:
    async def work(tx: Tx) -> tuple[int, Actor, Actor]:
        number = await raised(tx, rig.tenant)
        first = await new_watcher(tx, number, Role.AGENT, time_zone="America/New_York")
        second = await new_watcher(tx, number, Role.AGENT, time_zone="Asia/Kathmandu")
        return number, first, second

    number, first, second = await rig.transact(work)
    await rig.transact(note(number, "News", OPERATOR))
    await rig.advance(GROUPING_WINDOW)
    texts = {mail.to: " ".join(mail.text.split()) for mail in await rig.take_sent()}
    assert "1 Mar 2026 07:00 EST" in texts[email_of(first)]
    assert "Times are in America/New_York." in texts[email_of(first)]
    assert "1 Mar 2026 17:45 UTC+05:45" in texts[email_of(second)]
    assert "Times are in Asia/Kathmandu." in texts[email_of(second)]
    assert "1 Mar 2026 12:00 UTC" in texts[CONTACT]


async def test_the_recipient_is_named(rig: NotificationRig) -> None:
    async def work(tx: Tx) -> tuple[int, Actor]:
        number = await raised(tx, rig.tenant)
        return number, await new_watcher(tx, number, Role.AGENT)

    number, agent = await rig.transact(work)
    await rig.transact(note(number, "News", OPERATOR))
    await rig.advance(GROUPING_WINDOW)
    headers = {message["To"].addresses[0].addr_spec: message for message in await rig.take_messages()}
    assert headers[CONTACT]["To"].addresses[0].display_name == "Ada Okoro"
    assert headers[email_of(agent)]["To"].addresses[0].display_name == agent.name
