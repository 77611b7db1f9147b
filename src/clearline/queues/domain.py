"""Queues, teams and their agents, and which agent gets the next ticket."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from msgspec import Struct

from clearline.controls import visible_line
from clearline.errors import RuleCode, Violation
from clearline.identity import Role
from clearline.text import check_text, is_mailable

NAME_MAX = 255
DESCRIPTION_MAX = 1000
SENDER_NAME_MAX = 100
SENDER_LOCAL_MAX = 27
"""Octets before the ``@``: what identifies the ticket in a reply address adds 37, and mail servers accept 64."""


class Assignment(StrEnum):
    """How the tickets of a queue are assigned."""

    MANUAL = "manual"
    """A person takes or assigns each ticket."""
    ROUND_ROBIN = "round_robin"
    """The available agents of the team take turns."""
    LEAST_LOADED = "least_loaded"
    """The available agent with the fewest open tickets."""


AUTOMATIC = (Assignment.ROUND_ROBIN, Assignment.LEAST_LOADED)


class Team(Struct, frozen=True):
    """People of the provider who work the same queues."""

    id: UUID
    name: str
    created_at: datetime


class Member(Struct, frozen=True):
    """A person of a team. Only an active and available agent or admin is assigned tickets automatically."""

    id: UUID
    name: str
    email: str
    role: Role
    is_active: bool
    is_available: bool


class Queue(Struct, frozen=True):
    """Where tickets wait. ``last_assignee_id`` got the last ticket by round robin.

    ``sender_name`` and ``sender_address`` stand in From of mail about its tickets; where one is empty, the desk's.
    """

    id: UUID
    name: str
    description: str
    team_id: UUID | None
    assignment: Assignment
    last_assignee_id: UUID | None
    created_at: datetime
    sender_name: str = ""
    sender_address: str = ""


class Agent(Struct, frozen=True):
    """Somebody who can be assigned a ticket now. ``open_tickets`` counts those of every queue."""

    id: UUID
    name: str
    open_tickets: int


class Choice(Struct, frozen=True):
    """The agent who gets a ticket, None for nobody, and the reason, for people to read."""

    agent: Agent | None
    why: str


def check_team(name: str) -> list[Violation]:
    """Return the rules that a team breaks."""
    return check_text("name", name, most=NAME_MAX)


def check_queue(queue: Queue) -> list[Violation]:
    """Return the rules that a queue breaks."""
    violations = [
        *check_text("name", queue.name, most=NAME_MAX),
        *check_text("description", queue.description, least=0, most=DESCRIPTION_MAX),
        *_check_sender(queue),
    ]
    if queue.team_id is None and queue.assignment in AUTOMATIC:
        violations.append(Violation("team_id", "must be given for a queue that assigns by itself", RuleCode.REQUIRED))
    return violations


def _check_sender(queue: Queue) -> list[Violation]:
    violations = check_text("sender_name", queue.sender_name, least=0, most=SENDER_NAME_MAX)
    if not violations and visible_line(queue.sender_name) != queue.sender_name:
        rule = "must be one line without control characters"
        violations.append(Violation("sender_name", rule, RuleCode.CHARACTERS))
    local = queue.sender_address.partition("@")[0]
    if queue.sender_address and not is_mailable(queue.sender_address):
        rule = "must be an address that mail servers accept"
        violations.append(Violation("sender_address", rule, RuleCode.FORMAT))
    elif "+" in local:
        rule = "must not have a plus: the part after it identifies the ticket"
        violations.append(Violation("sender_address", rule, RuleCode.CHOICE))
    elif len(local.encode()) > SENDER_LOCAL_MAX:
        rule = f"must have at most {SENDER_LOCAL_MAX} characters before the @"
        violations.append(Violation("sender_address", rule, RuleCode.LENGTH))
    return violations


def choose_agent(mode: Assignment, agents: Sequence[Agent], last: tuple[str, UUID] | None) -> Choice:
    """Choose the agent of the next ticket. ``last`` is the name and id of who got the last one by round robin.

    Turns go by name, then id, and begin again at the end. They continue after ``last`` even when that person has left.
    """
    if mode is Assignment.MANUAL:
        return Choice(None, "the queue leaves it to people")
    if not agents:
        return Choice(None, "nobody of the team is available")
    if mode is Assignment.LEAST_LOADED:
        agent = min(agents, key=lambda agent: (agent.open_tickets, *_turn(agent)))
        return Choice(agent, f"has the fewest open tickets: {agent.open_tickets}")
    in_turn = sorted(agents, key=_turn)
    following = (agent for agent in in_turn if last is not None and _turn(agent) > last)
    agent = next(following, in_turn[0])
    return Choice(agent, "has the first turn" if last is None else f"is next after {last[0]}")


def _turn(agent: Agent) -> tuple[str, UUID]:
    return agent.name, agent.id
