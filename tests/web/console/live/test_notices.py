"""Desktop notices: of tickets that others make the person's, and of critical ones in its queues."""

from typing import Any
from uuid import UUID

import pytest

from clearline.catalogue.assessment import Priority
from clearline.identity import OPERATOR, Actor, Role
from clearline.platform.database.transactions import Database
from clearline.queues import team_usecases as teams
from clearline.queues import usecases as queues
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets.domain import ticket_number
from tests.builders.people import NOW, new_staff
from tests.builders.tickets import raised
from tests.builders.web.opened import HOSTILE, Opened, calm_cursor_of

NOTICES = "/console/live/notices"


async def queue(opened: Opened, name: str, *, is_mine: bool) -> UUID:
    """Add a queue, of a team of the agent or of another one."""
    async with opened.database.transaction() as tx:
        team = (await teams.add_team(tx, OPERATOR, name, now=NOW)).team
        if is_mine:
            await teams.join_team(tx, OPERATOR, team.id, opened.agent.user.id, now=NOW)
        return (await queues.add_queue(tx, OPERATOR, name=name, team_id=team.id, now=NOW)).queue.id


async def changed(opened: Opened, actor: Actor = OPERATOR, number: int = 0, **values: Any) -> None:
    async with opened.database.transaction() as tx:
        await ticket_changes.change_ticket(tx, actor, number or opened.number, values, now=NOW)


async def notices(opened: Opened, cursor: str) -> list[dict[str, str]]:
    """Return the notices that what happened since a cursor makes, after everything can be read."""
    await calm_cursor_of(opened)
    answer = await opened.agent.get(f"{NOTICES}?after={cursor}")
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store"), answer.text
    body = answer.json()
    again = (await opened.agent.get(f"{NOTICES}?after={body['cursor']}")).json()
    assert again == {"cursor": body["cursor"], "notices": []}
    shown: list[dict[str, str]] = body["notices"]
    return shown


async def test_a_ticket_that_somebody_assigns_to_the_person_makes_a_notice(opened: Opened) -> None:
    cursor = await calm_cursor_of(opened)
    await changed(opened, title=HOSTILE, assignee_id=opened.agent.user.id)
    number = ticket_number(opened.number)
    expected = {"tag": number, "title": "Assigned to you", "body": f"{number} {HOSTILE}", "path": opened.path}
    assert await notices(opened, cursor) == [expected]


async def test_a_ticket_that_the_person_takes_or_that_another_has_now_makes_none(opened: Opened) -> None:
    cursor = await calm_cursor_of(opened)
    await opened.send("assignee", assignee="me")
    await changed(opened, assignee_id=None)
    assert await notices(opened, cursor) == []
    cursor = await calm_cursor_of(opened)
    await changed(opened, assignee_id=opened.agent.user.id)
    await changed(opened, assignee_id=(await new_staff(opened.database, Role.AGENT)).user.id)
    assert await notices(opened, cursor) == []


@pytest.mark.parametrize("is_mine", [True, False])
async def test_a_critical_ticket_makes_a_notice_in_a_queue_of_the_persons_teams(
    opened: Opened, *, is_mine: bool
) -> None:
    name = f"Optics {is_mine}"
    queue_id = await queue(opened, name, is_mine=is_mine)
    cursor = await calm_cursor_of(opened)
    await changed(opened, priority=Priority.CRITICAL)
    assert await notices(opened, cursor) == []  # in no queue yet
    await changed(opened, queue_id=queue_id)
    number = ticket_number(opened.number)
    expected = [{"tag": number, "title": f"Critical in {name}", "body": f"{number} Port is slow", "path": opened.path}]
    assert await notices(opened, cursor) == (expected if is_mine else [])
    cursor = await calm_cursor_of(opened)
    await changed(opened, priority=Priority.LOW)
    await changed(opened, title="Port is slower")
    assert await notices(opened, cursor) == []
    await changed(opened, priority=Priority.CRITICAL)
    assert [notice["tag"] for notice in await notices(opened, cursor)] == ([number] if is_mine else [])


async def test_a_ticket_that_is_finished_now_makes_none(opened: Opened) -> None:
    cursor = await calm_cursor_of(opened)
    await changed(opened, assignee_id=opened.agent.user.id)
    await opened.send("status", status="cancelled")
    assert await notices(opened, cursor) == []


async def test_more_than_three_at_once_are_one_notice(opened: Opened, database: Database) -> None:
    cursor = await calm_cursor_of(opened)
    async with database.transaction() as tx:
        numbers = [await raised(tx, opened.tenant, f"Port {at} is down") for at in range(4)]
    for number in numbers:
        await changed(opened, number=number, assignee_id=opened.agent.user.id)
    named = ", ".join(map(ticket_number, numbers))
    assert await notices(opened, cursor) == [
        {"tag": "many", "title": "4 tickets for you", "body": named, "path": "/console/mine"}
    ]


async def test_without_a_cursor_notices_begin_now(opened: Opened) -> None:
    await changed(opened, assignee_id=opened.agent.user.id)
    cursor = await calm_cursor_of(opened)
    assert (await opened.agent.get(NOTICES)).json() == {"cursor": cursor, "notices": []}


@pytest.mark.parametrize("cursor", ["nothing", "1-2", "%00"])
async def test_a_malformed_cursor_is_refused(opened: Opened, cursor: str) -> None:
    assert (await opened.agent.get(f"{NOTICES}?after={cursor}")).status_code == 400
