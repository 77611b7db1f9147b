"""The tickets of the demo, and what customers and agents do with them."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime, timedelta

from clearline.bulk import usecases as jobs
from clearline.bulk.domain import ChangeTags
from clearline.catalogue.published import ServiceType
from clearline.demo.companies import DemoCompany, DemoMove, DemoTicket
from clearline.demo.desk import ADMIN, AGENT, find_staff, user_of
from clearline.feedback import usecases as feedback
from clearline.feedback.domain import OPEN_FOR, Rating, ballot_of
from clearline.identity import ALL_SCOPES, Actor, Company, Role, User
from clearline.platform.database.transactions import Database, Tx
from clearline.reminders.domain import ReminderChange
from clearline.routing import usecases as routing
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets import note_usecases as notes
from clearline.tickets import store as ticket_store
from clearline.tickets import usecases as tickets
from clearline.tickets.attachments import usecases as attachments
from clearline.tickets.attachments.blobs import Blobs
from clearline.tickets.attachments.domain import NewAttachment
from clearline.tickets.cases import usecases as case_usecases
from clearline.tickets.contact import Contact, ContactRole, Person, PersonKind
from clearline.tickets.contacts.usecases import set_people
from clearline.tickets.domain import Channel, NewTicket, Status, Waiting, ticket_number
from clearline.tickets.links import merge_usecases as merging
from clearline.tickets.links import usecases as links
from clearline.tickets.links import watcher_usecases as watchers
from clearline.tickets.links.domain import LinkType
from clearline.tickets.note_domain import Visibility
from clearline.tickets.progress.facts import NO_FACTS, StatusFacts
from clearline.tickets.third_parties.domain import CaseState, ref_of

_RATINGS = (
    (Rating.GOOD, "Fast, and we always knew what was going on."),
    (Rating.GOOD, ""),
    (Rating.BAD, "It took two days until somebody looked at our logs."),
)

_WITH_FILES = "CRC errors on the Sydney port"
"""The title of the ticket that has files attached."""

_CONTACTS = (
    Person(
        PersonKind.CONTACT, "night.desk@alderbay.example.com", "Night desk in Singapore", "+1-555-0111",
        (ContactRole.SITE_ACCESS, ContactRole.ON_DUTY),
    ),
)  # fmt: skip
_COPIES = (Person(PersonKind.CC, "wan@alderbay.example.com"),)

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


async def load_tickets(
    tx: Tx, demo: DemoCompany, company: Company, users: Sequence[User], *, now: datetime
) -> dict[str, int]:
    """Raise the tickets of a customer, the oldest first, and return their numbers by title."""
    types = {service.id: service.type for service in demo.services}
    numbers = {}
    for index, ticket in enumerate(sorted(demo.tickets, key=lambda ticket: -ticket.hours_ago)):
        service_type = types.get(ticket.service, ServiceType.NON_CONSOLE)
        user = users[index % len(users)]
        numbers[ticket.title] = await _load_ticket(tx, ticket, service_type, company, user, now=now)
    return numbers


async def _load_ticket(
    tx: Tx, demo: DemoTicket, service_type: str, company: Company, user: User, *, now: datetime
) -> int:
    agent = (await find_staff(tx))[AGENT]
    customer = Actor(Role.CUSTOMER, user.name, company=company, user=user, scopes=ALL_SCOPES)
    contact = Contact(user.name, user.phone, user.email)
    at = now - timedelta(hours=demo.hours_ago)
    new = NewTicket(
        demo.title, demo.description, demo.issue, service_type, demo.service, contact, Channel.API,
        occurred_at=None if demo.began_before is None else at - timedelta(hours=demo.began_before), fault=demo.fault,
        fields={**demo.fields},
    )  # fmt: skip
    number = (await tickets.create_ticket(tx, customer, new, now=at)).ticket.number
    await routing.route_new_ticket(tx, number, now=at)  # the worker would do so today
    pause = timedelta(hours=demo.hours_ago) / (len(demo.steps) + 1)
    for each in demo.steps:
        at += pause
        step = DemoMove(each, NO_FACTS) if isinstance(each, Status) else each
        if isinstance(step, DemoMove):
            await ticket_changes.move_ticket(tx, agent, number, step.status, reason="", facts=step.facts, now=at)
        elif step.startswith("> "):
            await notes.add_note(tx, customer, number, step[2:], channel=Channel.API, now=at)
        else:
            await notes.add_note(tx, agent, number, step, channel=Channel.CONSOLE, now=at)
    return number


async def rate_resolutions(tx: Tx, company: Company, numbers: Mapping[str, int], *, now: datetime) -> None:
    """Let the contacts of resolved tickets rate the resolution, every third of them badly."""
    resolved = [
        ticket
        for number in numbers.values()
        if (ticket := await ticket_store.lock(tx, company.id, number)) is not None and ticket.resolved_at is not None
    ]
    for index, ticket in enumerate(resolved):
        at = ticket.resolved_at or now
        if now < at + OPEN_FOR:
            ballot = ballot_of(company.id, ticket.number, at, ticket.contact.email)
            rating, comment = _RATINGS[index % len(_RATINGS)]
            await feedback.rate(tx, ballot, rating, comment, now=min(at + timedelta(minutes=20), now))


async def assign_tag_and_link(tx: Tx, numbers: Mapping[str, int], *, now: datetime) -> None:
    """Do to the first customer's tickets what agents do every day, five minutes ago."""
    now -= timedelta(minutes=5)
    staff = await find_staff(tx)
    mara, jonas = staff[ADMIN], staff[AGENT]
    down, night, errors = (
        numbers["Amsterdam to Singapore is down"],
        numbers["Packet loss to Sydney at night"],
        numbers["CRC errors on the Sydney port"],
    )
    await ticket_changes.assign(tx, mara, down, user_of(jonas).id, now=now)
    await ticket_changes.tag(tx, jonas, down, add=("subsea", "bgp"), now=now)
    await ticket_changes.change_ticket(tx, jonas, down, {"external_ids": {"carrier": "CX-20871"}}, now=now)
    await notes.add_note(
        tx, jonas, down, "The carrier suspects the Red Sea segment.", channel=Channel.CONSOLE,
        visibility=Visibility.INTERNAL, now=now,
    )  # fmt: skip
    await watchers.watch(tx, mara, down, user_of(mara).id, now=now)
    await links.add_link(tx, jonas, night, LinkType.RELATED, errors, now=now)
    await ticket_changes.change_ticket(tx, jonas, errors, {"fields": {"light_level": -14.6}}, now=now)
    remind = ReminderChange(now + timedelta(hours=3), "Ask whether the patch was reseated", cancelled_by_answer=True)
    await ticket_changes.change_ticket(tx, jonas, errors, {"reminder": remind}, now=now)
    await set_people(tx, jonas, down, contacts=_CONTACTS, cc=_COPIES, now=now)
    await _open_cases(tx, jonas, down, numbers["High latency to the cloud region"], now=now)


async def _open_cases(tx: Tx, actor: Actor, down: int, slow: int, *, now: datetime) -> None:
    """Open cases at two carriers; the slow ticket is held for its case."""
    await case_usecases.add_case(tx, actor, down, {
        "party": "Meridian Subsea", "number": "CX-20871", "expected_at": now + timedelta(hours=2),
        "contact_name": "Their NOC", "contact_phone": "+1-555-0163", "notes": "The ship is 40 nautical miles away.",
    }, now=now)  # fmt: skip
    case = await case_usecases.add_case(tx, actor, slow, {
        "party": "Northway Transit", "number": "CX-20903", "state": CaseState.WAITING,
        "contact_email": "noc@northway.example.net",
    }, now=now)  # fmt: skip
    waiting = Waiting("third_party", "They withdraw the route", case=ref_of(case))
    await ticket_changes.move_ticket(
        tx, actor, slow, Status.HELD, reason="", facts=StatusFacts("with_carrier", waiting), now=now
    )


async def merge_split_and_tag(tx: Tx, numbers: Mapping[str, int], *, now: datetime) -> None:
    """Merge two tickets of the second customer five minutes ago, split one, and tag all of them in a job."""
    now -= timedelta(minutes=5)
    jonas = (await find_staff(tx))[AGENT]
    stutters, frozen = numbers["Live feed stutters"], numbers["Frozen pictures in London"]
    await merging.merge_ticket(tx, jonas, frozen, stutters, reason="the same fault", now=now)
    await merging.split_ticket(
        tx, jonas, stutters, title="Replace the flapping member link", channel=Channel.CONSOLE,
        description="The link is out of the bundle; it has to be replaced in the maintenance window.", now=now,
    )  # fmt: skip
    selected = [ticket_number(number) for number in numbers.values()]
    await jobs.create_bulk_job(tx, jonas, selected, ChangeTags(add=("live",)), channel=Channel.CONSOLE, now=now)


async def attach_files(database: Database, blobs: Blobs, numbers: Mapping[str, int], *, now: datetime) -> None:
    """Attach a public and an internal file to a ticket of the first customer; tickets of others get none."""
    number = numbers.get(_WITH_FILES)
    if number is None:
        return

    async def chunks(text: str) -> AsyncIterator[bytes]:
        yield text.encode()

    for name, visibility, text in _FILES:
        async with database.transaction() as tx:
            jonas = (await find_staff(tx))[AGENT]
            company_id = await attachments.require_attachable(tx, jonas, number, visibility)
        content = await blobs.stage(company_id, chunks(text), most=len(text))
        async with database.transaction() as tx:
            new = NewAttachment(name, "text/plain", visibility)
            await attachments.add_attachment(tx, jonas, number, new, content, now=now)
