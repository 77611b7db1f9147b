"""The desk of the demo: invented people of the provider, their team and queues, how tickets find them, and macros."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any, NamedTuple

from clearline.accounts import store as account_store
from clearline.accounts import usecases as accounts
from clearline.bulk import usecases as jobs
from clearline.bulk.domain import ChangeTags
from clearline.identity import PROVIDER_ID, ROLE_SCOPES, Actor, Company, Role, User
from clearline.inventory.domain import ServiceType
from clearline.platform.database.transactions import Database, Tx
from clearline.queues import team_usecases as teams
from clearline.queues import usecases as queues
from clearline.queues.domain import Assignment
from clearline.routing import rule_usecases as routing_rules
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets import note_usecases as notes
from clearline.tickets.attachments import usecases as attachments
from clearline.tickets.attachments.blobs import Blobs
from clearline.tickets.attachments.domain import NewAttachment
from clearline.tickets.domain import Channel, Priority, Status, ticket_number
from clearline.tickets.links import merge_usecases as merging
from clearline.tickets.links import usecases as links
from clearline.tickets.links import watcher_usecases as watchers
from clearline.tickets.links.domain import LinkType
from clearline.tickets.note_domain import Visibility
from clearline.workspace import macro_usecases as macros
from clearline.workspace import view_usecases as views

ADMIN = "Mara Lindqvist"
AGENT = "Jonas Pihl"
WITH_FILES = "CRC errors on the Sydney port"
"""The ticket that has files attached."""


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

_FILES = (
    (
        "show-interface.txt",
        Visibility.PUBLIC,
        "xe-0/0/1 is up, line protocol is up\n  Input rate 412 Mbit/s\n  12431 CRC, 0 runts, 0 giants\n",
    ),
    (
        "optics.csv",
        Visibility.INTERNAL,
        "time,rx_dbm,tx_dbm\n2026-03-01T01:00:00Z,-9.1,-2.3\n2026-03-01T04:00:00Z,-14.6,-2.3\n",
    ),
)

_VIEWS = (
    ("Unassigned and urgent", "status:open assignee:none priority:critical"),
    ("Waiting for the customer", "status:pending"),
)


def staff_actor(company: Company, user: User) -> Actor:
    """A person of the provider, as if it used a key with everything that its role allows."""
    return Actor(user.role, user.name, company, user, scopes=frozenset(ROLE_SCOPES[user.role]))


async def people(tx: Tx) -> dict[str, Actor]:
    """The people of the demo's desk by name, as far as they are there."""
    company = await account_store.company(tx, PROVIDER_ID)
    if company is None:
        return {}
    known = {one.email for one in STAFF}
    return {
        user.name: staff_actor(company, user)
        for user in await account_store.users(tx, PROVIDER_ID)
        if user.email in known
    }


async def load(tx: Tx, actor: Actor, *, now: datetime) -> None:
    """Make the people, the team, the queues, the rules, the macros and the shared views of the demo."""
    for one in STAFF:
        await accounts.add_user(
            tx, actor, PROVIDER_ID, name=one.name, email=one.email, phone="+1-555-0170", role=one.role, now=now
        )
    staff = await people(tx)
    team = (await teams.add_team(tx, actor, "Network operations", now=now)).team
    for name in (ADMIN, AGENT, "Aiko Tan"):
        user = staff[name].user
        if user is not None:
            await teams.join_team(tx, actor, team.id, user.id, now=now)
    faults = await queues.add_queue(
        tx, actor, name="Faults", description="Circuits and ports that are down or take errors.", team_id=team.id,
        assignment=Assignment.LEAST_LOADED, now=now,
    )  # fmt: skip
    routers = await queues.add_queue(
        tx, actor, name="Routing and cloud", description="Cloud routers, BGP, prefixes, latency.", team_id=team.id,
        assignment=Assignment.ROUND_ROBIN, now=now,
    )  # fmt: skip
    questions = await queues.add_queue(
        tx, actor, name="Questions", description="Everything that is no fault.", team_id=team.id, now=now
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


async def dress(tx: Tx, numbers: dict[str, int], *, now: datetime) -> None:
    """Do to the first company's tickets, named by their titles, what agents do all day."""
    staff = await people(tx)
    mara, jonas = staff[ADMIN], staff[AGENT]
    down, night, errors = (
        numbers["Amsterdam to Singapore is down"],
        numbers["Packet loss to Sydney at night"],
        numbers["CRC errors on the Sydney port"],
    )
    if jonas.user is not None:
        await ticket_changes.assign(tx, mara, down, jonas.user.id, now=now)
    await ticket_changes.tag(tx, jonas, down, add=("subsea", "bgp"), now=now)
    await ticket_changes.change_ticket(tx, jonas, down, {"external_ids": {"carrier": "CX-20871"}}, now=now)
    await notes.add_note(
        tx, jonas, down, "The carrier suspects the Red Sea segment.", channel=Channel.CONSOLE,
        visibility=Visibility.INTERNAL, now=now,
    )  # fmt: skip
    if mara.user is not None:
        await watchers.watch(tx, mara, down, mara.user.id, now=now)
    await links.add_link(tx, jonas, night, LinkType.RELATED, errors, now=now)


async def dress_second(tx: Tx, numbers: dict[str, int], *, now: datetime) -> None:
    """Do to the second company's tickets what happens now and then: merge one, split one, change several in a job."""
    jonas = (await people(tx))[AGENT]
    stutters, frozen = numbers["Live feed stutters"], numbers["Frozen pictures in London"]
    await merging.merge_ticket(tx, jonas, frozen, stutters, reason="the same fault", now=now)
    await merging.split_ticket(
        tx, jonas, stutters, title="Replace the flapping member link", channel=Channel.CONSOLE,
        description="The link is out of the bundle; it has to be replaced in the maintenance window.", now=now,
    )  # fmt: skip
    several = [ticket_number(number) for number in numbers.values()]
    await jobs.create_bulk_job(tx, jonas, several, ChangeTags(add=("live",)), channel=Channel.CONSOLE, now=now)


async def attach(database: Database, blobs: Blobs, number: int, *, now: datetime) -> None:
    """Attach two files to a ticket: what the customer saw, and what only the provider may know."""

    async def lines(text: str) -> AsyncIterator[bytes]:
        yield text.encode()

    for name, visibility, text in _FILES:
        async with database.transaction() as tx:
            jonas = (await people(tx))[AGENT]
            company_id = await attachments.attachable(tx, jonas, number, visibility)
        content = await blobs.stage(company_id, lines(text), most=len(text))
        async with database.transaction() as tx:
            new = NewAttachment(name, "text/plain", visibility)
            await attachments.add_attachment(tx, jonas, number, new, content, now=now)
