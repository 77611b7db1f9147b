"""Which mails have a link that stops such mail, and what it stops."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from email.message import EmailMessage

import pytest

from clearline.events.event_types import NotificationKind
from clearline.identity import OPERATOR, PROVIDER_ID, Actor, Role
from clearline.mail.outbound import opt_out_usecases as opt_outs
from clearline.mail.outbound.domain import RateLimits
from clearline.mail.outbound.opt_out_domain import DIGEST, TICKETS, UNSUBSCRIBE_PATH, OptOut, ticket_topic
from clearline.notifications import preference_usecases as preferences
from clearline.notifications.domain import DeliveryMode
from clearline.notifications.recipients import GROUPING_WINDOW
from clearline.platform.database.transactions import Tx
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets.domain import Status
from tests.builders.mail.notification_rig import CONTACT, NotificationRig, new_watcher, note
from tests.builders.people import NOW, email_of, id_of
from tests.builders.tickets import raised

DIGESTS = {NotificationKind.PROVIDER_NOTE: DeliveryMode.DIGEST}


async def taken(rig: NotificationRig) -> dict[str, EmailMessage]:
    """Return the mails in the outbound queue by their address."""
    return {message["To"].addresses[0].addr_spec: message for message in await rig.take_messages()}


async def named(rig: NotificationRig, message: EmailMessage) -> OptOut | None:
    """Return what the link of a mail stops, or None when it has no link."""
    if message["List-Unsubscribe"] is None:
        assert message["List-Unsubscribe-Post"] is None
        return None
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    link = message["List-Unsubscribe"].strip("<>")
    async with rig.database.transaction() as tx:
        return await opt_outs.opt_out_of(tx, link.partition(UNSUBSCRIBE_PATH)[2])


async def stopped(rig: NotificationRig, message: EmailMessage) -> None:
    """Stop such mail, as the link of a mail does."""
    opt_out = await named(rig, message)
    assert opt_out is not None
    await rig.transact(lambda tx: opt_outs.stop(tx, opt_out, now=rig.now))


def moved(number: int, status: Status) -> Callable[[Tx], Awaitable[object]]:
    """Return a function that sets the status of a ticket."""
    return lambda tx: ticket_changes.move_ticket(tx, OPERATOR, number, status, reason="", now=NOW)


async def test_a_direct_answer_has_no_link_and_everything_else_has_one(rig: NotificationRig) -> None:
    async def work(tx: Tx) -> tuple[int, Actor]:
        number = await raised(tx, rig.tenant)
        return number, await new_watcher(tx, number, Role.AGENT)

    company_id = rig.tenant.company.id
    number, agent = await rig.transact(work)
    await rig.advance(GROUPING_WINDOW)
    assert await named(rig, (await taken(rig))[CONTACT]) is None  # the receipt
    await rig.transact(note(number, "An answer", OPERATOR))
    await rig.advance(GROUPING_WINDOW)
    mails = await taken(rig)
    assert await named(rig, mails[CONTACT]) is None
    assert await named(rig, mails[email_of(agent)]) == OptOut(company_id, email_of(agent), ticket_topic(number))
    await rig.transact(moved(number, Status.PENDING))
    await rig.advance(GROUPING_WINDOW)
    assert await named(rig, (await taken(rig))[CONTACT]) == OptOut(company_id, CONTACT, ticket_topic(number))


async def test_an_agent_who_stopped_a_ticket_gets_that_it_was_assigned_and_nothing_else(rig: NotificationRig) -> None:
    async def work(tx: Tx) -> tuple[int, int, Actor]:
        number, other = await raised(tx, rig.tenant), await raised(tx, rig.tenant)
        agent = await new_watcher(tx, number, Role.AGENT)
        await ticket_changes.assign(tx, OPERATOR, other, id_of(agent), now=NOW)
        return number, other, agent

    number, other, agent = await rig.transact(work)
    await rig.transact(note(number, "First", OPERATOR))
    await rig.advance(GROUPING_WINDOW)
    messages = [message for message in await rig.take_messages() if email_of(agent) in message["To"]]
    await stopped(rig, next(message for message in messages if f"INC{number:012}" in message["Subject"]))
    await rig.transact(note(number, "Second", OPERATOR, at=rig.now))
    await rig.transact(note(other, "About the other", OPERATOR))
    await rig.advance(GROUPING_WINDOW)
    [mail] = [mail for mail in await rig.take_sent() if mail.to == email_of(agent)]
    assert mail.number == other
    await rig.transact(lambda tx: ticket_changes.assign(tx, OPERATOR, number, id_of(agent), now=NOW))
    await rig.transact(note(number, "Third", OPERATOR))
    await rig.advance(GROUPING_WINDOW)
    [mail] = [mail for mail in await rig.take_sent() if mail.to == email_of(agent)]
    assert "Assigned the ticket to you." in mail.text
    assert "Third" not in mail.text
    assert await rig.pending_count() == 0


async def test_a_contact_who_stopped_a_ticket_still_gets_answers(rig: NotificationRig) -> None:
    number = await rig.transact(lambda tx: raised(tx, rig.tenant))
    await rig.transact(moved(number, Status.PENDING))
    await rig.advance(GROUPING_WINDOW)
    await stopped(rig, (await taken(rig))[CONTACT])
    await rig.transact(moved(number, Status.HELD))
    await rig.advance(GROUPING_WINDOW)
    assert await rig.take_sent() == []
    await rig.transact(note(number, "An answer", OPERATOR))
    await rig.advance(GROUPING_WINDOW)
    [mail] = await rig.take_sent()
    assert "An answer" in mail.text


async def test_a_user_who_stopped_digests_gets_them_again_with_new_preferences(rig: NotificationRig) -> None:
    async def work(tx: Tx) -> tuple[int, Actor]:
        number = await raised(tx, rig.tenant)
        return number, await new_watcher(tx, number, Role.AGENT, rules=DIGESTS)

    number, agent = await rig.transact(work)
    user = agent.user
    assert user is not None
    await rig.transact(note(number, "First", OPERATOR))
    await rig.advance(timedelta(days=1))
    digest = (await taken(rig))[user.email]
    assert digest["Precedence"] == "bulk"
    assert await named(rig, digest) == OptOut(user.company_id, user.email, DIGEST)
    await stopped(rig, digest)
    await rig.transact(note(number, "Second", OPERATOR, at=rig.now))
    await rig.advance(timedelta(days=1))
    assert user.email not in await taken(rig)
    assert await rig.pending_count() == 0
    await rig.transact(
        lambda tx: preferences.change_preferences(tx, OPERATOR, user.company_id, user.id, {"rules": DIGESTS}, now=NOW)
    )
    await rig.transact(note(number, "Third", OPERATOR, at=rig.now))
    await rig.advance(timedelta(days=1))
    assert "Third" in (await taken(rig))[user.email].as_string()


async def test_the_link_in_the_digest_of_a_contact_stops_the_tickets_of_the_company(rig: NotificationRig) -> None:
    rig.limit(RateLimits(per_address=0))
    number = await rig.transact(lambda tx: raised(tx, rig.tenant))
    await rig.transact(moved(number, Status.PENDING))
    await rig.advance(GROUPING_WINDOW)
    await rig.advance(timedelta(hours=1))
    digest = (await taken(rig))[CONTACT]
    assert await named(rig, digest) == OptOut(rig.tenant.company.id, CONTACT, TICKETS)
    await stopped(rig, digest)
    rig.limit(RateLimits())
    other = await rig.transact(lambda tx: raised(tx, rig.tenant))
    await rig.transact(moved(other, Status.PENDING))
    await rig.advance(GROUPING_WINDOW)
    [mail] = await rig.take_sent()
    assert "We have received the ticket." in mail.text
    assert "Changed the status" not in mail.text


@pytest.mark.parametrize("recipient", ["other@example.com", CONTACT])
async def test_what_is_stopped_for_another_address_or_company_stays(rig: NotificationRig, recipient: str) -> None:
    number = await rig.transact(lambda tx: raised(tx, rig.tenant))
    company_id = rig.tenant.company.id if recipient != CONTACT else PROVIDER_ID
    await rig.transact(lambda tx: opt_outs.stop(tx, OptOut(company_id, recipient, ticket_topic(number)), now=NOW))
    await rig.transact(moved(number, Status.PENDING))
    await rig.advance(GROUPING_WINDOW)
    [mail] = await rig.take_sent()
    assert "Changed the status" in mail.text
