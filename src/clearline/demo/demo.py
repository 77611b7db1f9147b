"""An invented desk and two companies with services, people and tickets, to try things out with."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from clearline.accounts import key_usecases as keys
from clearline.accounts import store as account_store
from clearline.accounts import usecases as accounts
from clearline.demo import desk as demo_desk
from clearline.demo import mail as demo_mail
from clearline.demo import notifications as demo_notifications
from clearline.identity import ALL_SCOPES, OPERATOR, PROVIDER_ID, Actor, Company, Role, User
from clearline.inventory import usecases as inventory
from clearline.inventory.domain import ServiceType
from clearline.platform.database.transactions import Database, Tx
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets import note_usecases as notes
from clearline.tickets import usecases as tickets
from clearline.tickets.attachments.blobs import Blobs
from clearline.tickets.contact import Contact
from clearline.tickets.domain import Channel, IssueType, NewTicket, Status

KEY_LIFETIME = timedelta(days=30)

PORT, ROUTER, INTERNET, LINE = (
    ServiceType.PORT,
    ServiceType.CLOUD_ROUTER,
    ServiceType.INTERNET_ON_DEMAND,
    ServiceType.CONNECTION,
)


class _DemoService(NamedTuple):
    id: str
    type: ServiceType
    label: str


class _DemoTicket(NamedTuple):
    """A ticket and what became of it: what the customer and the provider said, and the moves it made."""

    hours_ago: int
    title: str
    description: str
    issue: IssueType
    service: str
    steps: Sequence[str | Status]
    """A note of the customer's begins with ``>``, one of the provider's does not; a status is a move."""


class DemoCompany(NamedTuple):
    """A company of the demo, and everything it has."""

    name: str
    code: str
    people: Sequence[Contact]
    services: Sequence[_DemoService]
    tickets: Sequence[_DemoTicket]


class DemoKey(NamedTuple):
    """A key to a company of the demo; ``tickets`` says how many it has."""

    company: Company
    secret: str
    expires_at: datetime | None
    tickets: int


WORKING = (Status.IN_PROGRESS,)
FIXED = (Status.IN_PROGRESS, Status.RESOLVED)
DONE = (*FIXED, Status.CLOSED)

COMPANIES = (
    DemoCompany(
        "Alder Bay Logistics",
        "ALD001",
        (
            Contact("Ines Okafor", "+1-555-0101", "ines.okafor@alderbay.example.com"),
            Contact("Tom Vasquez", "+1-555-0102", "tom.vasquez@alderbay.example.com"),
        ),
        (
            _DemoService("NET-AMS-0012", PORT, "Amsterdam port, 10G"),
            _DemoService("NET-SIN-0031", PORT, "Singapore port, 10G"),
            _DemoService("NET-SYD-0007", PORT, "Sydney port, 1G"),
            _DemoService("L2-AMS-SIN-01", LINE, "Amsterdam to Singapore, 2 Gbit/s"),
            _DemoService("L2-SIN-SYD-01", LINE, "Singapore to Sydney, 500 Mbit/s"),
            _DemoService("CR-ALD-EU", ROUTER, "CloudRouter Europe"),
            _DemoService("IOD-AMS-0044", INTERNET, "Internet in Amsterdam, 198.51.100.0/28"),
        ),
        (
            _DemoTicket(
                1,
                "Amsterdam to Singapore is down",
                "Both BGP sessions over L2-AMS-SIN-01 dropped at 04:12 UTC. Optical levels on our side are normal.",
                IssueType.CIRCUIT_DOWN,
                "L2-AMS-SIN-01",
                ("We see the loss too and are checking the subsea segment.", Status.IN_PROGRESS,
                 "> Traffic has moved to the backup path, but it is congested."),
            ),
            _DemoTicket(
                3,
                "CRC errors on the Sydney port",
                "Input errors grow by about 200 a minute since 01:00 UTC.\n\nshow interface:\n  0 runts, 12,431 CRC",
                IssueType.CIRCUIT_TAKING_ERRORS,
                "NET-SYD-0007",
                (*WORKING, "Could you clean and reseat the patch on your side? We see -14.6 dBm.", Status.PENDING),
            ),
            _DemoTicket(
                9,
                "High latency to the cloud region",
                "Round trip from the Amsterdam site rose from 9 to 41 ms.",
                IssueType.HIGH_LATENCY,
                "CR-ALD-EU",
                (*WORKING, "A partner's network takes a detour; we opened a ticket with it.", Status.HELD),
            ),
            _DemoTicket(
                20,
                "Please announce 203.0.113.0/24",
                "New prefix for the Amsterdam office. The route object exists.",
                IssueType.OPERATIONAL_REQUEST,
                "IOD-AMS-0044",
                (*WORKING, "The filter is updated; the prefix is visible.", Status.RESOLVED),
            ),
            _DemoTicket(
                30,
                "Singapore port flaps",
                "Six flaps between 22:00 and 22:40 UTC.",
                IssueType.CIRCUIT_FLAPPING,
                "NET-SIN-0031",
                (*FIXED, "> It flapped again at 03:10 UTC.", Status.REOPENED, Status.IN_PROGRESS),
            ),
            _DemoTicket(
                52,
                "Packet loss to Sydney at night",
                "Between 1 and 3 % from 13:00 to 15:00 UTC, three nights in a row.",
                IssueType.PACKET_LOSS,
                "L2-SIN-SYD-01",
                ("> Graphs are attached to our own case 4711.",),
            ),
            _DemoTicket(
                75,
                "Reason of the outage on 12 May",
                "Our auditors ask for the root cause of the Amsterdam outage.",
                IssueType.REQUEST_REASON_OF_OUTAGE,
                "NET-AMS-0012",
                (*WORKING, "A line card failed and was replaced. The report is on its way.", Status.RESOLVED),
            ),
            _DemoTicket(
                120,
                "Leased line of the old office",
                "The line that we still have from before is slow: SR54321.",
                IssueType.SLOW_RESPONSE,
                "SR54321",
                (*WORKING, "The other carrier found a duplex mismatch.", Status.RESOLVED),
            ),
        ),
    ),
    DemoCompany(
        "Copperline Media",
        "COP002",
        (Contact("Yusuf Brandt", "+1-555-0140", "yusuf.brandt@copperline.example.net"),),
        (
            _DemoService("NET-FRA-0102", PORT, "Frankfurt port, 100G"),
            _DemoService("NET-LON-0088", PORT, "London port, 100G"),
            _DemoService("L2-FRA-LON-07", LINE, "Frankfurt to London, 40 Gbit/s"),
            _DemoService("CR-COP-01", ROUTER, "CloudRouter live production"),
        ),
        (
            _DemoTicket(
                2,
                "Live feed stutters",
                "Viewers in London see frozen pictures every few minutes. 画面が止まります。",
                IssueType.UNSTABLE,
                "L2-FRA-LON-07",
                (*WORKING, "We found a flapping member link and took it out of the bundle."),
            ),
            _DemoTicket(
                2,
                "Frozen pictures in London",
                "Our viewers complain since half an hour.",
                IssueType.UNSTABLE,
                "L2-FRA-LON-07",
                (),
            ),
            _DemoTicket(
                26,
                "The portal shows no usage graphs",
                "Since Monday the graphs of all ports are empty.",
                IssueType.APPLICATION,
                "NET-FRA-0102",
                DONE,
            ),
            _DemoTicket(
                200,
                "Wrong service picked, please ignore",
                "I meant the other port.",
                IssueType.OTHERS,
                "NET-FRA-0102",
                (Status.CANCELLED,),
            ),
            _DemoTicket(
                48,
                "London port down",
                "No light since 08:31 UTC.",
                IssueType.CIRCUIT_DOWN,
                "NET-LON-0088",
                (*WORKING, "> Our remote hands found a broken patch on our side. Sorry.", Status.RESOLVED),
            ),
        ),
    ),
)  # fmt: skip


async def load(
    database: Database, blobs: Blobs, *, mailbox: str, now: datetime, progress: Callable[[str], None]
) -> list[DemoKey]:
    """Load the desk and the companies that are missing, each in one transaction, and issue new keys.

    ``mailbox`` is the address that mail to the desk comes to. One key for each company, and at the end one for the
    desk's admin. What is there already stays as it is. Keys end after 30 days.
    """
    issued: list[DemoKey] = []
    made: list[UUID] = []
    async with database.transaction() as tx:
        if not await demo_desk.people(tx):
            progress("the desk")
            await demo_desk.load(tx, OPERATOR, now=now)
    for demo in COMPANIES:
        numbers: dict[str, int] = {}
        async with database.transaction() as tx:
            company = await account_store.find_company(tx, demo.code)
            if company is None:
                progress(demo.name)
                company, numbers = await _load_company(tx, demo, now)
                made.append(company.id)
            _key, secret = await keys.create_key(
                tx, OPERATOR, company.code, user_email=None, name="demo", lifetime=KEY_LIFETIME,
                now=now,
            )  # fmt: skip
            issued.append(DemoKey(company, secret, _key.expires_at, len(demo.tickets)))
        if with_files := numbers.get(demo_desk.WITH_FILES):
            await demo_desk.attach(database, blobs, with_files, now=now)
    async with database.transaction() as tx:
        if made:
            await demo_notifications.demo_notifications(tx, OPERATOR, made, now=now)
        await demo_mail.load(tx, OPERATOR, issued[0].company, mailbox, now=now)
        admin = (await demo_desk.people(tx))[demo_desk.ADMIN]
        if admin.company is None or admin.user is None:
            raise RuntimeError("the admin of the demo is a person of the provider")
        key, secret = await keys.create_key(
            tx, OPERATOR, PROVIDER_ID, user_email=admin.user.email, name="demo", lifetime=KEY_LIFETIME,
            now=now,
        )  # fmt: skip
        issued.append(DemoKey(admin.company, secret, key.expires_at, 0))
    return issued


async def _load_company(tx: Tx, demo: DemoCompany, now: datetime) -> tuple[Company, dict[str, int]]:
    company = await accounts.add_company(tx, OPERATOR, demo.name, demo.code, now=now)
    users = []
    for index, one in enumerate(demo.people):
        role = Role.CUSTOMER if index else Role.CUSTOMER_ADMIN
        added = await accounts.add_user(
            tx, OPERATOR, demo.code, name=one.name, email=one.email, phone=one.phone, role=role,
            now=now + timedelta(seconds=index),
        )  # fmt: skip
        users.append(added)
    kinds: dict[str, ServiceType] = {}
    for service in demo.services:
        await inventory.add_service(tx, OPERATOR, demo.code, service.id, service.type, service.label, now=now)
        kinds[service.id] = service.type
    oldest_first = sorted(demo.tickets, key=lambda ticket: -ticket.hours_ago)
    numbers = {}
    for index, ticket in enumerate(oldest_first):
        user = users[index % len(users)]
        kind = kinds.get(ticket.service, ServiceType.NON_CONSOLE)
        numbers[ticket.title] = await _load_ticket(tx, company, user, ticket, kind, now)
    dress = demo_desk.dress if demo is COMPANIES[0] else demo_desk.dress_second
    await dress(tx, numbers, now=now)
    return company, numbers


async def _load_ticket(
    tx: Tx, company: Company, user: User, demo: _DemoTicket, kind: ServiceType, now: datetime
) -> int:
    agent = (await demo_desk.people(tx))[demo_desk.AGENT]
    actor = Actor(Role.CUSTOMER, user.name, company=company, user=user, scopes=ALL_SCOPES)
    contact = Contact(user.name, user.phone, user.email)
    at = now - timedelta(hours=demo.hours_ago)
    new = NewTicket(demo.title, demo.description, demo.issue, kind, demo.service, contact, Channel.API)
    number = (await tickets.create_ticket(tx, actor, new, now=at)).ticket.number
    pause = timedelta(hours=demo.hours_ago) / (len(demo.steps) + 1)
    for step in demo.steps:
        at += pause
        if isinstance(step, Status):
            await ticket_changes.move_ticket(tx, agent, number, step, reason="", now=at)
        elif step.startswith("> "):
            await notes.add_note(tx, actor, number, step[2:], channel=Channel.API, now=at)
        else:
            await notes.add_note(tx, agent, number, step, channel=Channel.CONSOLE, now=at)
    return number
