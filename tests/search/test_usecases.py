"""Searching as people do it: what they type, and which tickets come."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from clearline.errors import InvalidInput, ScopeMissing
from clearline.identity import OPERATOR, PROVIDER_ID, ROLE_SCOPES, Actor, Company, Role, User
from clearline.inventory.domain import ServiceType
from clearline.platform.database.transactions import Database
from clearline.search import store as search_store
from clearline.search import usecases as search
from clearline.search import worker as indexing
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets import note_usecases as notes
from clearline.tickets import usecases as tickets
from clearline.tickets.contact import Contact
from clearline.tickets.domain import Channel, IssueType, NewTicket, Status
from clearline.tickets.note_domain import Visibility
from tests.builders.people import NOW, Tenant

CONTACT = Contact("Ada Okoro", "+1-555-0199", "ada.okoro@birch.example.com")
QUEUE = UUID(int=77)


@dataclass
class Desk:
    """A desk with a few tickets of two companies, each by the name that the tests know it by."""

    database: Database
    one: Tenant
    other: Tenant
    agent: Actor
    viewer: Actor
    numbers: dict[str, int] = field(default_factory=dict)

    async def raise_ticket(self, name: str, title: str, description: str = "Text", **more: Any) -> int:
        tenant: Tenant = more.pop("tenant", self.one)
        internal, public, status = more.pop("internal", ()), more.pop("public", ()), more.pop("status", None)
        kind = more.pop("service_type", ServiceType.NON_CONSOLE)
        service_id = more.pop("service_id", "Own")
        new = NewTicket(
            title,
            description,
            more.pop("issue_type", IssueType.OTHERS),
            kind,
            service_id,
            more.pop("contact", CONTACT),
            Channel.API,
            **more,
        )
        async with self.database.transaction() as tx:
            number = (await tickets.create_ticket(tx, tenant.actor, new, now=NOW)).ticket.number
            for text in public:
                await notes.add_note(tx, OPERATOR, number, text, channel=Channel.CONSOLE, now=NOW)
            for text in internal:
                await notes.add_note(
                    tx, OPERATOR, number, text, channel=Channel.CONSOLE, visibility=Visibility.INTERNAL, now=NOW
                )
            if status is not None:
                await ticket_changes.move_ticket(tx, OPERATOR, number, status, reason="", now=NOW)
        self.numbers[name] = number
        return number

    async def follow(self) -> None:
        """What the worker does, until there is nothing left to do."""
        for job in indexing.jobs(self.database):
            while await job.run():
                pass

    async def find(self, actor: Actor, query: str, **more: Any) -> search.SearchResult:
        async with self.database.transaction() as tx:
            return await search.find_tickets(tx, actor, query, limit=more.pop("limit", 200), **more)

    async def names(self, actor: Actor, query: str) -> list[str]:
        """The names of the tickets that a query finds, in their order."""
        known = {number: name for name, number in self.numbers.items()}
        return [known.get(one.ticket.number, "?") for one in (await self.find(actor, query)).tickets]


async def execute(desk: Desk, statement: str, *values: object) -> None:
    async with desk.database.transaction() as tx:
        await tx.write(statement, *values)


def staff_actor(role: Role) -> Actor:
    user = User(PROVIDER_ID, uuid4(), f"Mara {role}", f"{role}@desk.example.net", "", role)
    return Actor(role, user.name, Company(PROVIDER_ID, "Provider", "PROVIDER"), user, scopes=ROLE_SCOPES[role])


@pytest.fixture(scope="module")
async def desk(database: Database, tenant: Tenant, other_tenant: Tenant) -> Desk:
    made = Desk(database, tenant, other_tenant, staff_actor(Role.AGENT), staff_actor(Role.VIEWER))
    agent = made.agent.user
    assert agent is not None
    await execute(
        made,
        """insert into app_user (company_id, id, name, email, phone, role, created_at)
           values ($1, $2, $3, $4, '', $5, $6)""",
        PROVIDER_ID, agent.id, agent.name, agent.email, "agent", NOW,
    )  # fmt: skip
    await execute(
        made,
        "insert into queue (id, name, assignment, created_at) values ($1, 'Fibre North', 'manual', $2)",
        QUEUE,
        NOW,
    )
    await made.raise_ticket(
        "port", "Port is flapping", "Router at 203.0.113.7 in 198.51.100.0/28 and 2001:DB8::1, MAC 00:1B:21:AB:CD:EF",
        service_type=ServiceType.PORT, service_id="SVC-1", issue_type=IssueType.CIRCUIT_FLAPPING,
        external_ids={"snow": "CHG0030001"}, public=("We replace the optics",), internal=("The vendor bungled it",),
    )  # fmt: skip
    await made.raise_ticket(
        "held", "Circuit NET-AMS-0012 down", "Loss of light towards München", public=("Waiting for the optics vendor",),
        service_id="NET-AMS-0012", issue_type=IssueType.CIRCUIT_DOWN, status=Status.HELD,
    )  # fmt: skip
    await made.raise_ticket("closed", "Old trouble", "Loss on AS64496 VLAN 100", status=Status.CANCELLED)
    await made.raise_ticket("cjk", "東京都のポート障害", "xe-0/0/1 flaps")
    await made.raise_ticket("foreign", "Port is flapping too", "optics 203.0.113.7", tenant=other_tenant)
    await made.raise_ticket("worked", "Slow line", "Slow")
    await execute(
        made,
        """update ticket set tags = '{night-shift}', queue_id = $2, assignee_id = $3, severity = 'extensive'
            where number = $1""",
        made.numbers["worked"], QUEUE, agent.id,
    )  # fmt: skip
    await execute(
        made,
        "insert into ticket_watcher values ($1, $2, $3, $4, $5)",
        tenant.company.id, made.numbers["worked"], PROVIDER_ID, agent.id, NOW,
    )  # fmt: skip
    for name, visibility in (("trace-public.pcap", "public"), ("margin-internal.xlsx", "internal")):
        await execute(
            made,
            """insert into attachment (company_id, ticket_number, id, name, media_type, size, sha256, visibility,
                   source, author, created_at) values ($1, $2, $3, $4, 'text/plain', 1, $5, $6, 'seller', 'NOC', $7)""",
            tenant.company.id, made.numbers["port"], uuid4(), name, b"x" * 32, visibility, NOW,
        )  # fmt: skip
    await made.follow()
    return made


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("flapping", {"port"}),
        ("FLAPP", {"port"}),
        ("lapping", set()),
        ("a", set()),
        ("NET-AMS-0012", {"held"}),
        ("net-ams", {"held"}),
        ("ams-00", {"held"}),
        ("0012", {"held"}),
        ("CHG0030001", {"port"}),
        ("203.0.113.7", {"port"}),
        ("203.0.113", {"port"}),
        ("203.0.113.70", set()),
        ("198.51.100.0/28", {"port"}),
        ("198.51.100.0", {"port"}),
        ("2001:db8:0::1", {"port"}),
        ("001b.21ab.cdef", {"port"}),
        ("as64496", {"closed"}),
        ("64496", {"closed"}),
        ("vlan100", {"closed"}),
        ("xe-0/0/1", {"cjk"}),
        ("0/0/1", {"cjk"}),
        ("munchen", {"held"}),
        ("MÜNCHEN", {"held"}),
        ("東京", {"cjk"}),
        ("障害", {"cjk"}),
        ("ポ", {"cjk"}),
        ("京東", set()),
        ("okoro flapping", {"port"}),
        ("15550199 flapping", {"port"}),
        ("+1-555-0199 flapping", {"port"}),
        ("555-0199 flapping", {"port"}),
        ("ada.okoro@birch.example.com flapping", {"port"}),
        ("birch.example.com flapping", {"port"}),
        ("optics", {"port", "held"}),
        ("optics -replace", {"held"}),
        ('"the optics"', {"port", "held"}),
        ('"the optics vendor"', {"held"}),
        ('"optics the"', set()),
        ('-"the optics" loss', {"closed"}),
        ('"flap"', set()),
        ("loss", {"held", "closed"}),
        ("loss status:open", {"held"}),
        ("loss status:closed", {"closed"}),
        ("loss -status:closed", {"held"}),
        ("status:held", {"held"}),
        ("service:Port", {"port"}),
        ("service:net-ams-0012", {"held"}),
        ('service:"non-console service" -service:net-ams-0012 loss', {"closed"}),
        ('issue:"Circuit Down"', {"held"}),
        ("priority:critical", {"held"}),
        ("trace-public.pcap", {"port"}),
        ("created:2026-03-01 flapping", {"port"}),
        ("created:>=2026-03-01 created:<2026-03-02 flapping", {"port"}),
        ("created:<2026-03-01", set()),
        ("created:>2026-03-01", set()),
    ],
)
async def test_a_customer_finds_its_own_tickets(desk: Desk, query: str, expected: set[str]) -> None:
    assert set(await desk.names(desk.one.actor, query)) == expected


@pytest.mark.parametrize("name", ["port", "held"])
async def test_a_ticket_is_found_by_its_number(desk: Desk, name: str) -> None:
    number = desk.numbers[name]
    for query in (f"INC{number:012d}", f"inc{number:012d}", f"number:{number}", f"number:INC{number:012d}"):
        assert await desk.names(desk.one.actor, query) == [name]


@pytest.mark.parametrize(
    "query",
    [
        "bungled",
        "bung",
        '"bungled"',
        '"vendor bungled"',
        '"the vendor bungled it"',
        "margin-internal.xlsx",
        "margin",
        "night-shift",
        "night",
        "port bungled",
    ],
)
async def test_what_only_the_provider_sees_is_found_by_its_people_and_never_by_a_customer(
    desk: Desk, query: str
) -> None:
    assert len(await desk.names(desk.agent, query)) == 1
    assert await desk.names(desk.one.actor, query) == []


@pytest.mark.parametrize("query", ["flapping -bungled", 'flapping -"vendor bungled"', "flapping -margin"])
async def test_a_customer_cannot_tell_by_excluding_a_word_that_an_internal_note_has_it(desk: Desk, query: str) -> None:
    assert await desk.names(desk.one.actor, query) == ["port"]
    assert await desk.names(desk.agent, query) == ["foreign"]


async def test_an_excluded_word_is_taken_exactly(desk: Desk) -> None:
    assert await desk.names(desk.agent, "flapping -bung") == await desk.names(desk.agent, "flapping")
    assert "port" not in await desk.names(desk.agent, "flapping -bungled")


async def test_a_phrase_of_a_customer_is_not_met_half_by_a_public_and_half_by_an_internal_text(desk: Desk) -> None:
    number = await desk.raise_ticket("mixed", "Mixed", "alpha bravo", internal=("bravo charlie", "alpha charlie"))
    await desk.follow()
    assert await desk.names(desk.one.actor, '"alpha bravo"') == ["mixed"]
    for query in ('"bravo charlie"', '"alpha charlie"', "alpha charlie", '"bravo alpha"'):
        assert await desk.names(desk.one.actor, query) == []
    assert await desk.names(desk.agent, '"bravo charlie"') == ["mixed"]
    assert number


async def test_internal_words_do_not_change_the_order_that_a_customer_sees(desk: Desk) -> None:
    for name in ("first", "second", "third"):
        await desk.raise_ticket(name, "Order", "ranking probe" if name != "second" else "ranking probe probe probe")
    await desk.follow()
    before = await desk.find(desk.one.actor, "ranking probe")
    async with desk.database.transaction() as tx:
        for _ in range(5):
            await notes.add_note(
                tx, OPERATOR, desk.numbers["first"], "ranking probe " * 50, channel=Channel.CONSOLE,
                visibility=Visibility.INTERNAL, now=NOW,
            )  # fmt: skip
    await desk.follow()
    after = await desk.find(desk.one.actor, "ranking probe")
    assert [one.ticket.number for one in after.tickets] == [one.ticket.number for one in before.tickets]
    assert (await desk.names(desk.agent, "ranking probe"))[0] == "first"


@pytest.mark.parametrize(
    "query",
    [
        "tag:night-shift",
        "queue:none",
        "assignee:me",
        "watcher:me",
        "severity:extensive",
        "company:PROVIDER",
        "colour:red",
    ],
)
async def test_a_customer_has_no_filters_of_the_staff(desk: Desk, query: str) -> None:
    with pytest.raises(
        InvalidInput, match=r"no filter .* must be one of status, service, issue, priority, number, created"
    ):
        await desk.find(desk.one.actor, query)


async def test_a_customer_never_finds_anothers_tickets(desk: Desk) -> None:
    assert "foreign" in await desk.names(desk.other.actor, "optics")
    for query in ("", "optics", "203.0.113.7", "-zebra", "status:open", f"number:{desk.numbers['foreign']}"):
        found = await desk.find(desk.one.actor, query)
        assert {one.company.id for one in found.tickets} <= {desk.one.company.id}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("flapping", {"port", "foreign"}),
        ("company:{one} flapping", {"port"}),
        ("-company:{one} flapping", {"foreign"}),
        ("assignee:me", {"worked"}),
        ("assignee:AGENT@desk.example.net", {"worked"}),
        ("assignee:none flapping", {"port", "foreign"}),
        ('queue:"fibre north"', {"worked"}),
        ("-queue:none", {"worked"}),
        ("tag:Night-Shift", {"worked"}),
        ("watcher:me", {"worked"}),
        ("severity:extensive status:open -status:held", {"worked"}),
        ("{one} flapping", {"port"}),
    ],
)
async def test_the_staff_finds_the_tickets_of_every_company(desk: Desk, query: str, expected: set[str]) -> None:
    query = query.format(one=desk.one.company.code)
    assert set(await desk.names(desk.agent, query)) == expected
    if "me" not in query:
        assert set(await desk.names(desk.viewer, query)) == expected
        assert set(await desk.names(OPERATOR, query)) == expected


@pytest.mark.parametrize(
    ("query", "rule"),
    [
        ("company:nobody", "name or code of a company"),
        ("queue:lost", "none or the name of a queue"),
        ("assignee:nobody@example.com", "me or the e-mail address"),
        ("watcher:none", "me or the e-mail address"),
    ],
)
async def test_a_name_that_nobody_has_is_refused(desk: Desk, query: str, rule: str) -> None:
    with pytest.raises(InvalidInput, match=rule):
        await desk.find(desk.agent, query)


async def test_the_operator_is_nobody_and_cannot_ask_for_its_own(desk: Desk) -> None:
    with pytest.raises(InvalidInput, match="unknown assignee"):
        await desk.find(OPERATOR, "assignee:me")


async def test_a_key_that_may_not_read_finds_nothing(desk: Desk) -> None:
    actor = Actor(Role.CUSTOMER, "Ada", desk.one.company, desk.one.user)
    with pytest.raises(ScopeMissing):
        await desk.find(actor, "optics")


async def test_words_that_look_like_facets_or_like_the_databases_own_marks_are_just_words(desk: Desk) -> None:
    await desk.raise_ticket("forged", f"=company:{desk.other.company.id} =is:open '=tag:x' !& zulu", "=number:1")
    await desk.follow()
    assert "forged" not in await desk.names(desk.other.actor, "zulu")
    assert await desk.names(desk.one.actor, "zulu") == ["forged"]
    assert "forged" not in await desk.names(desk.agent, "tag:x")
    for query in ("zulu '", "zulu & | ! <-> :*", "zulu \\", "'zulu':*D"):
        assert await desk.names(desk.one.actor, query) in (["forged"], [])


async def test_a_better_match_comes_first_and_of_equals_the_newest(desk: Desk) -> None:
    await desk.raise_ticket("in the title", "Backbone trouble", "Text")
    await desk.raise_ticket("in the text", "Trouble", "It is the backbone")
    await desk.raise_ticket("in the text too", "Trouble", "It is the backbone")
    await desk.follow()
    found = await desk.find(desk.one.actor, "backbone")
    assert found.is_ranked
    assert await desk.names(desk.one.actor, "backbone") == ["in the title", "in the text too", "in the text"]


async def test_without_words_the_newest_come_first(desk: Desk) -> None:
    found = await desk.find(desk.one.actor, "status:open")
    numbers = [one.ticket.number for one in found.tickets]
    assert numbers == sorted(numbers, reverse=True)
    assert not found.is_ranked
    assert (found.count, found.is_exact) == (len(numbers), True)


async def test_a_found_ticket_is_shown_as_it_is_now_with_its_handling(desk: Desk) -> None:
    [found] = (await desk.find(desk.agent, "tag:night-shift")).tickets
    assert found.queue_name == "Fibre North"
    assert found.assignee_name == "Mara agent"
    assert found.ticket.tags == ("night-shift",)


async def pages(desk: Desk, actor: Actor, query: str, limit: int) -> tuple[list[int], list[search.SearchResult]]:
    after, found = None, []
    while True:
        page = await desk.find(actor, query, after=after, limit=limit)
        found.append(page)
        if page.next is None:
            return [one.ticket.number for page in found for one in page.tickets], found
        assert len(page.tickets) == limit
        after = page.next


@pytest.fixture(scope="module")
async def crowd(desk: Desk, database_url: str) -> int:
    """Many tickets that all match; how many."""
    connection = await asyncpg.connect(database_url)
    await connection.execute(
        """
        insert into ticket (company_id, title, description, issue_type, service_type, service_id, severity, impact,
               priority, status, contact_name, contact_phone, contact_email, channel, created_at, updated_at,
               status_changed_at)
        select $1, case when n % 3 = 0 then 'Swarm' else 'Many' end || case when n <= 90 then ' some' else '' end,
               'swarm crowd', 'Others', 'Non-Console Service', 'Own', 'minor', 'degraded', 'low', 'acknowledged', 'Ada',
               '', 'ada@example.com', 'API', $2, $2, $2 from generate_series(1, 1234) n
        """,
        desk.one.company.id, NOW + timedelta(days=1),
    )  # fmt: skip
    await connection.close()
    async with desk.database.transaction() as tx:
        below: int | None = None
        while True:
            _done, below = await search.rebuild_batch(tx, OPERATOR, below=below, limit=500)
            if below is None:
                return 1234


async def test_a_list_of_many_goes_on_to_its_very_end_newest_first(desk: Desk, crowd: int) -> None:
    for actor in (desk.one.actor, desk.agent):
        numbers, found = await pages(desk, actor, "swarm", 200)
        assert len(numbers) == crowd
        assert numbers == sorted(set(numbers), reverse=True)
        assert {(page.count, page.is_exact, page.is_ranked) for page in found} == {(200, False, False)}


async def test_a_ranked_list_goes_on_to_its_very_end_best_first(desk: Desk, crowd: int) -> None:
    assert crowd
    numbers, found = await pages(desk, desk.one.actor, "swarm some", 25)
    assert len(numbers) == len(set(numbers)) == 90
    assert {(page.count, page.is_exact, page.is_ranked) for page in found} == {(90, True, True)}
    [whole] = (await pages(desk, desk.one.actor, "swarm some", 1000))[1]
    assert numbers == [one.ticket.number for one in whole.tickets]
    titles = [one.ticket.title for one in whole.tickets]
    assert titles == sorted(titles, reverse=True)
    assert len(set(titles)) == 2


async def test_tickets_that_come_while_one_reads_do_not_disturb_a_list(desk: Desk, crowd: int) -> None:
    assert crowd
    for query, expected in (("swarm some", 90), ("swarm", crowd)):
        first = await desk.find(desk.one.actor, query, limit=100)
        number = await desk.raise_ticket(f"late {query}", "swarm some swarm some", "swarm some")
        await desk.follow()
        numbers = [one.ticket.number for one in first.tickets]
        after = first.next
        while after is not None:
            page = await desk.find(desk.one.actor, query, after=after, limit=100)
            numbers += [one.ticket.number for one in page.tickets]
            after = page.next
        assert len(numbers) == len(set(numbers)) == expected
        assert number not in numbers
        await execute(desk, "delete from ticket_search where number = $1", number)


async def test_a_large_number_is_counted_when_asked_for(desk: Desk, crowd: int) -> None:
    for actor in (desk.one.actor, desk.agent):
        found = await desk.find(actor, "swarm", limit=10, count=True)
        assert (found.count, found.is_exact) == (crowd, True)
        assert found.next is not None
        assert (found.next.count, found.next.is_exact) == (crowd, True)
    assert (await desk.find(desk.agent, "swarm -some", count=True)).count == crowd - 90


async def test_what_a_search_finds_does_not_depend_on_the_statistics(desk: Desk, crowd: int, database_url: str) -> None:
    queries = ("swarm", "swarm some", "sw so", "-swarm", "status:open", "some -many", "optics", 'sw "swarm crowd"', "")
    before = [await pages(desk, desk.agent, query, 200) for query in queries]
    connection = await asyncpg.connect(database_url)
    await connection.execute("analyze ticket_search")
    await connection.close()
    async with desk.database.statement() as tx:
        asked = [("swarm", False), ("sw", True), ("optics", False), ("zz", True)]
        known = (await search_store.statistics(tx, asked)).shares
    assert known["swarm", False] > 0.9
    assert known["sw", True] >= known["swarm", False]
    assert ("zz", True) not in known
    for query, (numbers, found) in zip(queries, before, strict=True):
        again, found_again = await pages(desk, desk.agent, query, 200)
        assert again == numbers, query
        assert [page.count for page in found_again] == [page.count for page in found]
    assert crowd


async def test_a_desk_whose_numbers_reach_far_is_searched_from_the_newest_on(desk: Desk) -> None:
    """Two words that common statistics take for frequent, and which stand in old tickets alone."""
    async with desk.database.transaction() as tx:
        [old] = (await search.find_tickets(tx, desk.agent, "munchen", limit=5)).tickets
        before = await search_store.newest(tx)
        await tx.write(
            "insert into ticket_search (company_id, number, vector) values ($1, $2, '''=is:open'':1A ''swarm'':2C')",
            desk.one.company.id,
            900_000_000,
        )
        assert await search_store.newest(tx) == 900_000_000 > before
        found = await search.find_tickets(tx, desk.agent, "status:open munchen", limit=5)
        assert [one.ticket.number for one in found.tickets] == [old.ticket.number]
        await tx.write("delete from ticket_search where number = 900000000")
