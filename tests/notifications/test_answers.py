"""An answer to a resolved ticket notifies whoever works on it, whether or not it reopens the ticket."""

from datetime import timedelta
from uuid import uuid4

import pytest

from clearline.identity import OPERATOR, Actor
from clearline.platform.database.transactions import Tx
from clearline.queues import team_usecases as teams
from clearline.queues import usecases as queues
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets import note_usecases as notes
from clearline.tickets.domain import Channel, Status
from tests.builders.mail.notification_rig import NotificationRig
from tests.builders.people import NOW, email_of, id_of, new_person
from tests.builders.tickets import raised

MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize("reopens", [True, False])
@pytest.mark.parametrize("is_assigned", [True, False])
async def test_the_assignee_or_else_the_team_is_notified(
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
