"""Teams, queues and routing rules, and the events about them."""

import asyncio
import json
from typing import Any
from uuid import UUID, uuid4

from clearline.clock import now
from clearline.events import offset_store
from clearline.identity import OPERATOR, PROVIDER_ID, Actor
from clearline.platform.database.transactions import Database, Tx
from clearline.queues import team_usecases as teams
from clearline.queues import usecases as queues
from clearline.queues.domain import Assignment
from clearline.queues.store import QueueDetails
from clearline.queues.team_store import TeamDetails
from clearline.routing import rule_usecases as routing_rules
from clearline.routing.worker import NAME as ROUTING
from clearline.routing.worker import routing_job
from tests.builders.people import NOW, id_of
from tests.patience import patient


def unique_name(prefix: str) -> str:
    """Return a name that no other test uses."""
    return f"{prefix} {uuid4().hex[:8]}"


async def new_team(tx: Tx, *members: Actor) -> TeamDetails:
    """Add a team with members."""
    team = await teams.add_team(tx, OPERATOR, unique_name("Team"), now=NOW)
    for member in members:
        team = await teams.join_team(tx, OPERATOR, team.team.id, id_of(member), now=NOW)
    return team


async def new_queue(tx: Tx, *members: Actor, assignment: Assignment = Assignment.MANUAL) -> QueueDetails:
    """Add a queue whose team has members."""
    team = await new_team(tx, *members)
    return await queues.add_queue(
        tx, OPERATOR, name=unique_name("Queue"), team_id=team.team.id, assignment=assignment, now=NOW
    )


async def new_rule(tx: Tx, queue: QueueDetails, *, position: int | None = None, **values: Any) -> UUID:
    """Add a routing rule; return its id."""
    values = {"name": unique_name("Rule"), "queue_id": queue.queue.id, **values}
    return (await routing_rules.add_rule(tx, OPERATOR, values, position=position, now=NOW)).rule.id


async def changes_of(tx: Tx, record_id: UUID) -> list[tuple[str, list[dict[str, Any]]]]:
    """Return the types of the events about a team, a queue or a rule, and the changes in each; oldest first."""
    rows = await tx.fetch(
        """select type, data->'changes' from event
            where company_id = $1 and data->>'id' = $2 order by id""",
        PROVIDER_ID,
        str(record_id),
    )
    return [(row[0], [] if row[1] is None else json.loads(row[1])) for row in rows]


async def routed(database: Database) -> None:
    """Route what the events so far ask for, unless a worker does; return when nothing is left."""
    job = routing_job(database, now)
    async with asyncio.timeout(patient(20)):
        while True:
            await job.run()
            async with database.transaction() as tx:
                behind, _since = await offset_store.lag(tx, ROUTING, limit=1)
            if not behind:
                return
            await asyncio.sleep(0.01)


def change(field: str, before: object, after: object) -> dict[str, object]:
    """Return a change in the format of an event."""
    return {"field": field, "before": before, "after": after}
