"""A bounce of an agent's address: the tickets return to their queues, and the team and the admins get a mail."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from clearline.accounts import usecases as accounts
from clearline.identity import OPERATOR, PROVIDER_ID, Actor, Role
from clearline.mail.outbound import usecases as outbound_mail
from clearline.mail.outbound.domain import MailSettings, NewMail
from clearline.platform.database.transactions import Tx
from clearline.queues import usecases as queues
from clearline.queues.store import QueueDetails
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets import usecases as tickets
from clearline.tickets.domain import Status
from tests.builders.mail.notification_rig import CONTACT, NotificationRig, SentMail, note
from tests.builders.people import NOW, email_of, id_of, new_person
from tests.builders.queues import new_queue
from tests.builders.tickets import raised

MINUTE = timedelta(minutes=1)
SETTINGS = MailSettings("Support <support@example.net>", b"secret", "https://desk.example.net", enabled=True)
CHANGES: dict[str, dict[str, Any]] = {"an inactive agent": {"is_active": False}, "a viewer": {"role": Role.VIEWER}}


async def people(rig: NotificationRig) -> tuple[int, Actor, Actor]:
    """Return a ticket, its assignee, and the only admin of the provider who gets mail."""

    async def work(tx: Tx) -> tuple[int, Actor, Actor]:
        await tx.write("update app_user set is_active = false where company_id = $1 and role = 'admin'", PROVIDER_ID)
        agent, admin = await new_person(tx, "Ben Ito"), await new_person(tx, "Ida Moss", Role.ADMIN)
        return await assigned(tx, rig, agent), agent, admin

    result: tuple[int, Actor, Actor] = await rig.transact(work)
    await rig.advance(MINUTE)
    await rig.take_sent()
    return result


async def assigned(tx: Tx, rig: NotificationRig, agent: Actor, queue: QueueDetails | None = None) -> int:
    """Return a new ticket of an agent, in a queue."""
    number = await raised(tx, rig.tenant)
    values = {"assignee_id": id_of(agent), "queue_id": None if queue is None else queue.queue.id}
    await ticket_changes.change_ticket(tx, OPERATOR, number, values, now=NOW)
    return number


async def assignees(rig: NotificationRig, *numbers: int) -> list[UUID | None]:
    async def work(tx: Tx) -> list[UUID | None]:
        return [(await tickets.get_ticket(tx, OPERATOR, number)).ticket.assignee_id for number in numbers]

    result: list[UUID | None] = await rig.transact(work)
    return result


async def bounce(rig: NotificationRig, address: str, *, is_bad: bool = True) -> None:
    """Record that a mail to an address bounced."""

    async def work(tx: Tx) -> None:
        mail = NewMail(recipient=address, subject="Port", text="x", html="x", kind="test", company_id=PROVIDER_ID)
        mail_id = await outbound_mail.enqueue(tx, mail, now=rig.now, settings=SETTINGS)
        assert mail_id is not None
        sent, _message = await outbound_mail.get_mail(tx, OPERATOR, mail_id)
        bad = (address.lower(),) if is_bad else ()
        await outbound_mail.record_bounce(tx, sent.message_id, "5.1.1 no such user", bad_addresses=bad, now=rig.now)
        await tx.write("delete from outbound_mail where id = $1", mail_id)

    await rig.transact(work)


async def taken(rig: NotificationRig) -> list[SentMail]:
    await rig.advance(MINUTE)
    return [mail for mail in await rig.take_sent() if mail.kind == "agent_unreachable"]


async def test_the_ticket_returns_and_the_admins_get_a_mail(rig: NotificationRig) -> None:
    number, agent, admin = await people(rig)
    await bounce(rig, email_of(agent))
    [mail] = await taken(rig)
    assert (mail.to, mail.subject) == (email_of(admin), "Mail to Ben Ito comes back")
    words = " ".join(mail.text.split())
    assert "5.1.1 no such user" in words
    assert "Open tickets of Ben Ito that lost their assignee: 1." in words
    assert f"/api/v1/companies/{PROVIDER_ID}/users/{id_of(agent)}" in mail.text
    assert f"/api/v1/mail-suppressions/{email_of(agent)}" in mail.text
    assert await assignees(rig, number) == [None]
    [_raised, _assigned, returned] = await rig.transact(lambda tx: tickets.history(tx, OPERATOR, number))
    assert (returned.type, returned.actor_name) == ("ticket.assigned", "mail")
    assert returned.data == {"before": str(id_of(agent)), "after": None, "by": "bounce"}
    await bounce(rig, email_of(agent))
    assert await taken(rig) == []
    await rig.transact(note(number, "Still down", rig.tenant.actor, at=rig.now))
    await rig.advance(MINUTE)
    assert email_of(admin) in {mail.to for mail in await rig.take_sent() if "Still down" in mail.text}


@pytest.mark.parametrize("what", ["another failure", "by hand", "an inactive agent", "a viewer", "a customer"])
async def test_other_suppressions_and_bounces_are_not_reported(rig: NotificationRig, what: str) -> None:
    number, agent, _admin = await people(rig)
    address = email_of(agent)
    if what == "by hand":
        await rig.transact(lambda tx: outbound_mail.suppress(tx, OPERATOR, address, now=rig.now))
    elif what == "a customer":
        await bounce(rig, rig.tenant.user.email)
    else:
        values = CHANGES.get(what, {})
        await rig.transact(
            lambda tx: accounts.change_user(tx, OPERATOR, PROVIDER_ID, id_of(agent), values, now=rig.now)
        )
        await bounce(rig, address, is_bad=what != "another failure")
    assert await taken(rig) == []
    assert await assignees(rig, number) == [id_of(agent)]


async def test_an_admin_gets_no_mail_about_the_own_address(rig: NotificationRig) -> None:
    _number, _agent, admin = await people(rig)
    other = await rig.transact(lambda tx: new_person(tx, "Mara Lind", Role.ADMIN))
    await bounce(rig, email_of(admin))
    assert [mail.to for mail in await taken(rig)] == [email_of(other)]


async def test_all_open_tickets_return_and_the_team_is_notified_why(rig: NotificationRig) -> None:
    number, agent, _admin = await people(rig)

    async def more(tx: Tx) -> tuple[list[int], int, int, Actor]:
        colleague = await new_person(tx, "Mara Lind")
        queue = await new_queue(tx, agent, colleague)
        mine = [await assigned(tx, rig, agent, queue) for _ in range(2)]
        finished, other = await assigned(tx, rig, agent, queue), await assigned(tx, rig, colleague, queue)
        await ticket_changes.move_ticket(tx, OPERATOR, finished, Status.REJECTED, reason="no", now=NOW)
        return mine, finished, other, colleague

    mine, finished, other, colleague = await rig.transact(more)
    await rig.advance(MINUTE)
    await rig.take_sent()
    await bounce(rig, email_of(agent))
    assert await assignees(rig, number, *mine) == [None, None, None]
    assert await assignees(rig, finished, other) == [id_of(agent), id_of(colleague)]
    await rig.advance(MINUTE)
    sent = await rig.take_sent()
    [mail] = [mail for mail in sent if mail.kind == "agent_unreachable"]
    assert "lost their assignee: 3." in " ".join(mail.text.split())
    returned = [mail for mail in sent if mail.to == email_of(colleague)]
    assert sorted(str(mail.number) for mail in returned) == sorted(map(str, mine))
    for mail in returned:
        assert "Returned the ticket to its queue, because mail to its agent bounces." in " ".join(mail.text.split())
        assert "Returned to the queue" in mail.text
    assert not {mail.to for mail in sent} & {CONTACT, rig.tenant.user.email}


async def test_a_ticket_that_is_assigned_by_hand_afterwards_stays_and_is_counted(rig: NotificationRig) -> None:
    _number, agent, _admin = await people(rig)
    queue = await rig.transact(lambda tx: new_queue(tx, agent))
    number = await rig.transact(lambda tx: assigned(tx, rig, agent, queue))
    await bounce(rig, email_of(agent))

    async def counts() -> tuple[int, int]:
        details = await rig.transact(lambda tx: queues.get_queue(tx, OPERATOR, queue.queue.id))
        return details.unassigned, details.unreachable

    assert await counts() == (1, 0)
    await rig.transact(lambda tx: ticket_changes.assign(tx, OPERATOR, number, id_of(agent), now=rig.now))
    await bounce(rig, email_of(agent))
    assert await assignees(rig, number) == [id_of(agent)]
    assert await counts() == (0, 1)
    await rig.transact(lambda tx: outbound_mail.unsuppress(tx, OPERATOR, email_of(agent), now=rig.now))
    assert await counts() == (0, 0)


async def test_a_bounce_of_an_earlier_address_of_the_agent_has_no_effect(rig: NotificationRig) -> None:
    number, agent, _admin = await people(rig)
    values = {"email": f"new.{email_of(agent)}"}
    await rig.transact(lambda tx: accounts.change_user(tx, OPERATOR, PROVIDER_ID, id_of(agent), values, now=rig.now))
    await bounce(rig, email_of(agent))
    assert await taken(rig) == []
    assert await assignees(rig, number) == [id_of(agent)]


async def test_the_tickets_of_the_last_admin_return_and_nobody_gets_a_mail(rig: NotificationRig) -> None:
    _number, _agent, admin = await people(rig)
    number = await rig.transact(lambda tx: assigned(tx, rig, admin))
    await bounce(rig, email_of(admin))
    assert await assignees(rig, number) == [None]
    assert await taken(rig) == []
