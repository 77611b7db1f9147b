"""People of the provider for the tests of teams, queues and routing."""

from typing import Any
from uuid import UUID, uuid4

from clearline.accounts import store as account_store
from clearline.accounts import usecases as accounts
from clearline.identity import ALL_SCOPES, OPERATOR, PROVIDER_ID, Actor, Role, Scope
from clearline.platform.database.transactions import Tx
from clearline.queues import team_usecases as teams
from clearline.queues import usecases as queues
from clearline.queues.domain import Assignment
from clearline.queues.store import QueueDetails
from clearline.queues.team_store import TeamDetails
from clearline.routing import rule_usecases as routing_rules
from tests.conftest import NOW


async def person(tx: Tx, name: str = "Ben Ito", role: Role = Role.AGENT) -> Actor:
    """Somebody new of the provider."""
    email = f"{uuid4().hex}@example.net"
    user = await accounts.add_user(tx, OPERATOR, "PROVIDER", name=name, email=email, phone="", role=role, now=NOW)
    actor = await account_store.actor_for(tx, PROVIDER_ID, user.id, frozenset(map(Scope, ALL_SCOPES)))
    assert actor is not None
    return actor


def id_of(actor: Actor) -> UUID:
    assert actor.user is not None
    return actor.user.id


def named(prefix: str) -> str:
    return f"{prefix} {uuid4().hex[:8]}"


async def a_team(tx: Tx, *members: Actor) -> TeamDetails:
    team = await teams.add_team(tx, OPERATOR, named("Team"), now=NOW)
    for member in members:
        team = await teams.join_team(tx, OPERATOR, team.team.id, id_of(member), now=NOW)
    return team


async def a_queue(tx: Tx, *members: Actor, assignment: Assignment = Assignment.MANUAL) -> QueueDetails:
    team = await a_team(tx, *members)
    return await queues.add_queue(
        tx, OPERATOR, name=named("Queue"), team_id=team.team.id, assignment=assignment, now=NOW
    )


async def a_rule(tx: Tx, queue: QueueDetails, *, position: int | None = None, **values: Any) -> UUID:
    values = {"name": named("Rule"), "queue_id": queue.queue.id, **values}
    return (await routing_rules.add_rule(tx, OPERATOR, values, position=position, now=NOW)).rule.id
