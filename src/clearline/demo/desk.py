"""The desk of the demo: the people of the provider, their team, queues, routing rules, macros and saved views."""

from datetime import datetime
from typing import Any, NamedTuple

from clearline.accounts import company_store, user_store
from clearline.accounts import usecases as accounts
from clearline.catalogue.assessment import Priority
from clearline.catalogue.published import ServiceType
from clearline.identity import PROVIDER_ID, ROLE_SCOPES, Actor, Role, User
from clearline.platform.database.transactions import Tx
from clearline.queues import team_usecases as teams
from clearline.queues import usecases as queues
from clearline.queues.domain import Assignment
from clearline.routing import rule_usecases as routing_rules
from clearline.tickets.domain import Status
from clearline.workspace import macro_usecases as macros
from clearline.workspace import view_usecases as views

ADMIN = "Mara Lindqvist"
AGENT = "Jonas Pihl"


class _Person(NamedTuple):
    name: str
    email: str
    role: Role


STAFF = (
    _Person(ADMIN, "mara.lindqvist@provider.example.org", Role.ADMIN),
    _Person(AGENT, "jonas.pihl@provider.example.org", Role.AGENT),
    _Person("Aiko Tan", "aiko.tan@provider.example.org", Role.AGENT),
    _Person("Pavel Dorn", "pavel.dorn@provider.example.org", Role.VIEWER),
)

_MACROS: tuple[dict[str, Any], ...] = (
    {
        "name": "Ask for light levels",
        "text": "Hello {{contact.name}}, please send us the optical levels that you see on {{service.label}}, "
        "and say whether we may test the service while it is down.",
        "status": Status.PENDING,
        "add_tags": ("optics",),
    },
    {
        "name": "Hand over to the carrier",
        "text": "We opened a ticket with the partner whose network {{service.id}} crosses. Next news within two hours.",
        "status": Status.HELD,
        "add_tags": ("third-party",),
    },
    {
        "name": "Fixed, please confirm",
        "text": "{{contact.name}}, the service works again from our side. Please check it and tell us.",
        "status": Status.RESOLVED,
    },
)

_VIEWS = (
    ("Unassigned and urgent", "status:open assignee:none priority:critical"),
    ("Waiting for the customer", "status:pending"),
)


async def find_staff(tx: Tx) -> dict[str, Actor]:
    """Return the people of the demo's desk by name; there are none before the desk was loaded."""
    company = await company_store.get(tx, PROVIDER_ID)
    if company is None:
        return {}
    emails = {person.email for person in STAFF}
    return {
        user.name: Actor(user.role, user.name, company, user, scopes=frozenset(ROLE_SCOPES[user.role]))
        for user in await user_store.page(tx, PROVIDER_ID)
        if user.email in emails
    }


def user_of(actor: Actor) -> User:
    """Return the user of a person of the desk."""
    if actor.user is None:
        raise TypeError(f"{actor.name} is no person")
    return actor.user


async def load_desk(tx: Tx, actor: Actor, *, now: datetime) -> None:
    """Add the people, the team, the queues, the routing rules, the macros and the shared views."""
    for person in STAFF:
        await accounts.add_user(
            tx, actor, PROVIDER_ID, name=person.name, email=person.email, phone="+1-555-0170", role=person.role, now=now
        )
    staff = await find_staff(tx)
    team = (await teams.add_team(tx, actor, "Network operations", now=now)).team
    for name in (ADMIN, AGENT, "Aiko Tan"):
        await teams.join_team(tx, actor, team.id, user_of(staff[name]).id, now=now)
    faults = await queues.add_queue(
        tx, actor, name="Faults", description="Circuits and ports that are down or take errors.", team_id=team.id,
        assignment=Assignment.LEAST_LOADED, now=now,
    )  # fmt: skip
    routers = await queues.add_queue(
        tx, actor, name="Routing and cloud", description="Cloud routers, BGP, prefixes, latency.", team_id=team.id,
        assignment=Assignment.ROUND_ROBIN, now=now,
    )  # fmt: skip
    questions = await queues.add_queue(
        tx, actor, name="Questions", description="Requests that are not faults.", team_id=team.id, now=now
    )
    rules: tuple[dict[str, Any], ...] = (
        {"name": "Announcements and BGP", "queue_id": routers.queue.id, "keywords": ("BGP", "announce", "prefix")},
        {"name": "Cloud routers", "queue_id": routers.queue.id, "service_types": (ServiceType.CLOUD_ROUTER,)},
        {
            "name": "Faults",
            "queue_id": faults.queue.id,
            "priorities": (Priority.CRITICAL, Priority.HIGH, Priority.MEDIUM),
        },
        {"name": "Everything else", "queue_id": questions.queue.id},
    )
    for rule in rules:
        await routing_rules.add_rule(tx, actor, rule, now=now)
    for macro in _MACROS:
        await macros.add_macro(tx, actor, macro, now=now)
    for name, query in _VIEWS:
        await views.add_view(tx, staff[ADMIN], name, query, is_shared=True, now=now)
