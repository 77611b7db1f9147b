"""Somebody of the provider is notified of an answer when the assignee cannot be."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from clearline.accounts import usecases as accounts
from clearline.identity import OPERATOR, PROVIDER_ID, Actor, Role
from clearline.mail.outbound import usecases as outbound_mail
from clearline.platform.database.transactions import Tx
from clearline.queues import team_usecases as teams
from clearline.queues import usecases as queues
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets import hand_over_usecases as hand_over
from clearline.tickets import note_usecases as notes
from clearline.tickets.domain import Channel, Status
from tests.builders.mail.notification_rig import CONTACT, NotificationRig, note
from tests.builders.people import NOW, email_of, id_of, new_person
from tests.builders.tickets import raised

MINUTE = timedelta(minutes=1)


async def scene(rig: NotificationRig, *, with_team: bool = True) -> dict[str, Any]:
    """Return a ticket in a queue, its assignee, a colleague in the queue's team, and an admin."""

    async def work(tx: Tx) -> dict[str, Any]:
        agent, colleague = await new_person(tx, "Ben Ito"), await new_person(tx, "Mara Lind")
        admin = await new_person(tx, "Ida Moss", Role.ADMIN)
        team = await teams.add_team(tx, OPERATOR, name=f"Team {uuid4().hex[:8]}", now=NOW) if with_team else None
        if team is not None:
            for member in (agent, colleague):
                await teams.join_team(tx, OPERATOR, team.team.id, id_of(member), now=NOW)
        queue = await queues.add_queue(
            tx, OPERATOR, name=f"Queue {uuid4().hex[:8]}", team_id=None if team is None else team.team.id, now=NOW
        )
        number = await raised(tx, rig.tenant)
        values = {"queue_id": queue.queue.id, "assignee_id": id_of(agent)}
        await ticket_changes.change_ticket(tx, OPERATOR, number, values, now=NOW)
        return {"number": number, "agent": agent, "colleague": colleague, "admin": admin}

    result: dict[str, Any] = await rig.transact(work)
    await rig.advance(MINUTE)
    await rig.take_sent()
    return result


async def lose(rig: NotificationRig, agent: Actor, how: str) -> None:
    async def work(tx: Tx) -> None:
        if how == "bounced":
            await outbound_mail.suppress(tx, OPERATOR, email_of(agent), now=NOW)
        elif how == "deactivated later":
            await accounts.change_user(tx, OPERATOR, PROVIDER_ID, id_of(agent), {"is_active": False}, now=NOW)
        else:
            values: dict[str, Any] = {"is_active": False} if how == "deactivated" else {"role": Role.VIEWER}
            await hand_over.change_user(tx, OPERATOR, PROVIDER_ID, id_of(agent), values, now=NOW)

    await rig.transact(work)
    await rig.advance(MINUTE)
    await rig.take_sent()


async def notified(rig: NotificationRig, number: int, by: Actor, text: str) -> set[str]:
    await rig.transact(note(number, text, by))
    await rig.advance(MINUTE)
    return {mail.to for mail in await rig.take_sent() if text in mail.text}


@pytest.mark.parametrize("how", ["deactivated", "viewer", "bounced", "deactivated later"])
async def test_the_team_is_notified_of_an_answer_when_the_assignee_is_lost(rig: NotificationRig, how: str) -> None:
    people = await scene(rig)
    assert await notified(rig, people["number"], rig.tenant.actor, "Before") == {email_of(people["agent"])}
    await lose(rig, people["agent"], how)
    recipients = await notified(rig, people["number"], rig.tenant.actor, "After")
    assert email_of(people["colleague"]) in recipients
    assert recipients & {email_of(people["agent"]), email_of(people["admin"])} <= {email_of(people["agent"])}


@pytest.mark.parametrize("why", ["no team", "the team is lost too"])
async def test_the_admins_are_notified_when_nobody_of_the_team_can_be(rig: NotificationRig, why: str) -> None:
    people = await scene(rig, with_team=why != "no team")
    await lose(rig, people["agent"], "deactivated")
    if why != "no team":
        await lose(rig, people["colleague"], "bounced")
    assert email_of(people["admin"]) in await notified(rig, people["number"], rig.tenant.actor, "Anybody there?")


async def test_what_the_provider_writes_notifies_no_substitutes(rig: NotificationRig) -> None:
    people = await scene(rig)
    await lose(rig, people["agent"], "deactivated")
    recipients = await notified(rig, people["number"], people["admin"], "We work on it")
    assert recipients == {CONTACT}


@pytest.mark.parametrize("reopens", [True, False])
@pytest.mark.parametrize("is_assigned", [True, False])
async def test_an_answer_to_a_resolved_ticket_notifies_the_assignee_or_else_the_team(
    rig: NotificationRig, *, is_assigned: bool, reopens: bool
) -> None:
    async def scene(tx: Tx) -> tuple[int, Actor]:
        agent = await new_person(tx, "Ben Ito")
        team = await teams.add_team(tx, OPERATOR, name=f"Team {uuid4().hex[:8]}", now=NOW)
        await teams.join_team(tx, OPERATOR, team.team.id, id_of(agent), now=NOW)
        queue = await queues.add_queue(tx, OPERATOR, name=f"Queue {uuid4().hex[:8]}", team_id=team.team.id, now=NOW)
        number = await raised(tx, rig.tenant, status=Status.RESOLVED)
        values = {"queue_id": queue.queue.id, "assignee_id": id_of(agent) if is_assigned else None}
        await ticket_changes.change_ticket(tx, OPERATOR, number, values, now=NOW)
        return number, agent

    async def answer(tx: Tx) -> None:
        await notes.append_note(
            tx, rig.tenant.actor, number, "Still no light", channel=Channel.API, reopens=reopens, now=NOW
        )

    number, agent = await rig.transact(scene)
    await rig.advance(MINUTE)
    await rig.take_sent()
    await rig.transact(answer)
    await rig.advance(MINUTE)
    [mail] = [mail for mail in await rig.take_sent() if mail.to == email_of(agent)]
    assert mail.number == number
    assert "Still no light" in mail.text
    assert ("Changed the status from resolved to reopened." in mail.text) is reopens
