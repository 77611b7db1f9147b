import asyncio
from datetime import datetime
from uuid import UUID, uuid4

import pytest

from clearline.errors import AlreadyExists, DeskError, Forbidden, InvalidInput, LinkCycle, NotFound, ScopeMissing
from clearline.identity import OPERATOR, PROVIDER_ID, Actor, Role
from clearline.limit_errors import TooManyLinks
from clearline.platform.database.transactions import Database, Tx
from clearline.tickets.domain import ticket_number
from clearline.tickets.links import store as link_store
from clearline.tickets.links import usecases as links
from clearline.tickets.links.domain import LINKS_MAX, MANUAL_LINK_TYPES, OPPOSITE, Link, LinkType
from tests.builders.people import NOW, Tenant, new_person
from tests.builders.tickets import later_events, raised
from tests.patience import patient


async def version(tx: Tx, number: int) -> int:
    stored_version: int = await tx.fetchval("select version from ticket where number = $1", number)
    return stored_version


async def linked_tickets(tx: Tx, actor: Actor, number: int) -> list[tuple[LinkType, int]]:
    views = await links.list_links(tx, actor, number, after=None, limit=300)
    return [(view.link.type, view.link.other_number) for view in views]


def test_every_type_has_its_opposite() -> None:
    assert {OPPOSITE[OPPOSITE[kind]] for kind in LinkType} == set(LinkType)
    assert all(OPPOSITE[OPPOSITE[kind]] is kind for kind in LinkType)


@pytest.mark.parametrize("kind", MANUAL_LINK_TYPES)
async def test_a_link_is_visible_from_both_ends_with_an_event_and_a_version(
    database: Database, tenant: Tenant, other_tenant: Tenant, kind: LinkType
) -> None:
    async with database.transaction() as tx:
        number, other = await raised(tx, tenant), await raised(tx, other_tenant, "Dark fibre")
        added = await links.add_link(tx, OPERATOR, number, kind, other, now=NOW)
        assert (added.title, added.link.other_number) == ("Dark fibre", other)
        assert await links.get_link(tx, OPERATOR, number, added.link.id) == added
        assert await linked_tickets(tx, OPERATOR, number) == [(kind, other)]
        assert await linked_tickets(tx, OPERATOR, other) == [(OPPOSITE[kind], number)]
        assert [await version(tx, end) for end in (number, other)] == [2, 2]
        opposite = await links.get_link(tx, OPERATOR, other, added.link.id)
        await links.remove_link(tx, OPERATOR, other, opposite.link.id, now=NOW)
        assert await linked_tickets(tx, OPERATOR, number) == await linked_tickets(tx, OPERATOR, other) == []
        assert [await version(tx, end) for end in (number, other)] == [3, 3]
        for end, other_end, as_seen in ((number, other, kind), (other, number, OPPOSITE[kind])):
            data = {"link": as_seen.value, "other": ticket_number(other_end)}
            assert await later_events(tx, end) == [("ticket.linked", data), ("ticket.unlinked", data)]
        with pytest.raises(NotFound):
            await links.remove_link(tx, OPERATOR, number, added.link.id, now=NOW)


@pytest.mark.parametrize("kind", [LinkType.SPLIT_INTO, LinkType.SPLIT_FROM])
async def test_only_a_split_creates_split_links(database: Database, tenant: Tenant, kind: LinkType) -> None:
    async with database.transaction() as tx:
        number, other = await raised(tx, tenant), await raised(tx, tenant)
        with pytest.raises(InvalidInput, match="type"):
            await links.add_link(tx, OPERATOR, number, kind, other, now=NOW)


async def test_a_ticket_is_not_linked_to_itself(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        number = await raised(tx, tenant)
        with pytest.raises(InvalidInput, match="another ticket"):
            await links.add_link(tx, tenant.actor, number, LinkType.RELATED, number, now=NOW)


@pytest.mark.parametrize(
    ("first", "again"),
    [
        (LinkType.RELATED, LinkType.RELATED),
        (LinkType.DUPLICATES, LinkType.DUPLICATES),
        (LinkType.DUPLICATES, LinkType.DUPLICATED_BY),
        (LinkType.PARENT_OF, LinkType.CHILD_OF),
    ],
)
@pytest.mark.parametrize("turned", [False, True])
async def test_two_tickets_are_linked_once_for_each_type(
    database: Database, tenant: Tenant, first: LinkType, again: LinkType, *, turned: bool
) -> None:
    async with database.transaction() as tx:
        number, other = await raised(tx, tenant), await raised(tx, tenant)
        await links.add_link(tx, OPERATOR, number, first, other, now=NOW)
        ends = (other, number) if turned else (number, other)
        with pytest.raises(AlreadyExists):
            await links.add_link(tx, OPERATOR, ends[0], again, ends[1], now=NOW)
        await links.add_link(tx, OPERATOR, number, LinkType.CAUSES, other, now=NOW)
        assert len(await linked_tickets(tx, OPERATOR, number)) == 2


@pytest.mark.parametrize("kind", [kind for kind in LinkType if kind is not LinkType.RELATED])
async def test_a_customer_adds_and_removes_only_related_links(
    database: Database, tenant: Tenant, kind: LinkType
) -> None:
    async with database.transaction() as tx:
        number, other = await raised(tx, tenant), await raised(tx, tenant)
        with pytest.raises(Forbidden):
            await links.add_link(tx, tenant.actor, number, kind, other, now=NOW)
        link = Link(uuid4(), kind, tenant.company.id, number, tenant.company.id, other, NOW)
        await link_store.insert(tx, OPERATOR, link, now=NOW)
        assert await linked_tickets(tx, tenant.actor, number) == [(kind, other)]
        with pytest.raises(Forbidden):
            await links.remove_link(tx, tenant.actor, number, link.id, now=NOW)
        own = await links.add_link(tx, tenant.actor, number, LinkType.RELATED, other, now=NOW)
        await links.remove_link(tx, tenant.actor, other, own.link.id, now=NOW)


async def test_a_link_to_another_companys_ticket_does_not_exist_for_a_customer(
    database: Database, tenant: Tenant, other_tenant: Tenant
) -> None:
    async with database.transaction() as tx:
        own, foreign = await raised(tx, tenant), await raised(tx, other_tenant)
        added = await links.add_link(tx, OPERATOR, own, LinkType.RELATED, foreign, now=NOW)
        for actor, number in ((tenant.actor, own), (other_tenant.actor, foreign)):
            assert await linked_tickets(tx, actor, number) == []
            for work in (
                links.get_link(tx, actor, number, added.link.id),
                links.remove_link(tx, actor, number, added.link.id, now=NOW),
            ):
                with pytest.raises(NotFound):
                    await work


async def test_another_companys_ticket_is_refused_like_one_that_does_not_exist(
    database: Database, tenant: Tenant, other_tenant: Tenant
) -> None:
    async with database.transaction() as tx:
        own, foreign = await raised(tx, tenant), await raised(tx, other_tenant)
        link_id = uuid4()
        for number in (foreign, 999_999_999):
            message = f"ticket {ticket_number(number)} does not exist"
            for work in (
                links.list_links(tx, tenant.actor, number, after=None, limit=10),
                links.get_link(tx, tenant.actor, number, link_id),
                links.add_link(tx, tenant.actor, number, LinkType.RELATED, own, now=NOW),
                links.add_link(tx, tenant.actor, own, LinkType.RELATED, number, now=NOW),
                links.remove_link(tx, tenant.actor, number, link_id, now=NOW),
            ):
                with pytest.raises(NotFound, match=message):
                    await work


async def test_no_ticket_becomes_its_own_ancestor(database: Database, tenant: Tenant, other_tenant: Tenant) -> None:
    async with database.transaction() as tx:
        top, middle, bottom = await raised(tx, tenant), await raised(tx, other_tenant), await raised(tx, tenant)
        await links.add_link(tx, OPERATOR, top, LinkType.PARENT_OF, middle, now=NOW)
        await links.add_link(tx, OPERATOR, bottom, LinkType.CHILD_OF, middle, now=NOW)
        with pytest.raises(LinkCycle):
            await links.add_link(tx, OPERATOR, bottom, LinkType.PARENT_OF, top, now=NOW)
        with pytest.raises(LinkCycle):
            await links.add_link(tx, OPERATOR, top, LinkType.CHILD_OF, bottom, now=NOW)
        await links.add_link(tx, OPERATOR, top, LinkType.PARENT_OF, bottom, now=NOW)


async def test_concurrent_links_create_no_cycle_of_parents(database: Database, tenant: Tenant) -> None:
    async def add(parent: int, child: int) -> None:
        async with database.transaction() as tx:
            await links.add_link(tx, OPERATOR, parent, LinkType.PARENT_OF, child, now=NOW)

    for _ in range(5):
        async with database.transaction() as tx:
            ring = [await raised(tx, tenant) for _ in range(4)]
        pairs = zip(ring, [*ring[1:], ring[0]], strict=True)
        outcomes = await asyncio.gather(*(add(*pair) for pair in pairs), return_exceptions=True)
        assert sorted(type(outcome).__name__ for outcome in outcomes) == [
            "LinkCycle",
            "NoneType",
            "NoneType",
            "NoneType",
        ]


async def test_linking_and_unlinking_the_same_tickets_at_once_causes_no_deadlock(
    database: Database, tenant: Tenant
) -> None:
    async with database.transaction() as tx:
        first, second = await raised(tx, tenant), await raised(tx, tenant)

    async def link_and_unlink(number: int, other_number: int, kind: LinkType) -> None:
        for _ in range(5):
            async with database.transaction() as tx:
                added = await links.add_link(tx, OPERATOR, number, kind, other_number, now=NOW)
            async with database.transaction() as tx:
                await links.remove_link(tx, OPERATOR, other_number, added.link.id, now=NOW)

    async with asyncio.timeout(patient(20)):
        await asyncio.gather(
            link_and_unlink(first, second, LinkType.CAUSES),
            link_and_unlink(second, first, LinkType.DUPLICATES),
            link_and_unlink(second, first, LinkType.RELATED),
        )
    async with database.transaction() as tx:
        assert await version(tx, first) == await version(tx, second) == 1 + 30


@pytest.mark.parametrize("full", ["here", "there"])
async def test_a_ticket_has_at_most_200_links(database: Database, tenant: Tenant, full: str) -> None:
    async with database.transaction() as tx:
        number, other = await raised(tx, tenant), await raised(tx, tenant)
        for index in range(LINKS_MAX):
            await tx.write(
                "insert into ticket_link values ($1, $2, $3, 'related', $1, $4, $5)",
                tenant.company.id,
                number,
                uuid4(),
                900_000_000 + index,
                NOW,
            )
        ends = (number, other) if full == "here" else (other, number)
        with pytest.raises(TooManyLinks, match=ticket_number(number)):
            await links.add_link(tx, tenant.actor, ends[0], LinkType.RELATED, ends[1], now=NOW)


async def test_links_are_listed_page_by_page(database: Database, tenant: Tenant, other_tenant: Tenant) -> None:
    async with database.transaction() as tx:
        number = await raised(tx, tenant)
        linked = [await raised(tx, tenant) for _ in range(5)]
        foreign = await raised(tx, other_tenant)
        for other in (*linked, foreign):
            await links.add_link(tx, OPERATOR, number, LinkType.RELATED, other, now=NOW)
        pages: list[list[int]] = []
        after: tuple[datetime, UUID] | None = None
        while True:
            page = await links.list_links(tx, tenant.actor, number, after=after, limit=2)
            if not page:
                break
            pages.append([view.link.other_number for view in page])
            after = page[-1].link.created_at, page[-1].link.id
    assert [len(page) for page in pages] == [2, 2, 1]
    assert sorted(number for page in pages for number in page) == linked


@pytest.mark.parametrize("role", [Role.VIEWER, Role.AGENT])
async def test_a_viewer_reads_links_and_an_agent_adds_them(database: Database, tenant: Tenant, role: Role) -> None:
    async with database.transaction() as tx:
        actor = await new_person(tx, role=role)
        assert actor.user is not None
        assert actor.user.company_id == PROVIDER_ID
        number, other = await raised(tx, tenant), await raised(tx, tenant)
        refused: type[DeskError] | None = None
        try:
            await links.add_link(tx, actor, number, LinkType.CAUSES, other, now=NOW)
        except ScopeMissing as error:
            refused = type(error)
        assert (refused is ScopeMissing) == (role is Role.VIEWER)
        assert len(await linked_tickets(tx, actor, number)) == (0 if refused else 1)
