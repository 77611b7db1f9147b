from uuid import UUID, uuid4

import pytest

from clearline.errors import Forbidden, InvalidInput, NotFound, ScopeMissing
from clearline.identity import OPERATOR, Actor, Role
from clearline.platform.database.transactions import Database, Tx
from clearline.tickets.links import watcher_usecases as watchers
from tests.builders.people import NOW, Tenant, new_person
from tests.builders.tickets import later_events, raised


async def watcher_ids(tx: Tx, actor: Actor, number: int) -> set[UUID]:
    return {watcher.user.id for watcher in await watchers.list_watchers(tx, actor, number, after=None, limit=100)}


async def test_a_user_watches_a_ticket_once_and_stops_once(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        number = await raised(tx, tenant)
        assert await watcher_ids(tx, tenant.actor, number) == set()
        me = watchers.own_user(tenant.actor)
        first = await watchers.watch(tx, tenant.actor, number, me, now=NOW)
        assert await watchers.watch(tx, OPERATOR, number, me, now=NOW) == first
        assert (first.user, first.since) == (tenant.user, NOW)
        assert await watchers.get_watcher(tx, tenant.actor, number, me) == first
        assert await watchers.unwatch(tx, tenant.actor, number, me, now=NOW)
        assert not await watchers.unwatch(tx, tenant.actor, number, me, now=NOW)
        assert await watcher_ids(tx, tenant.actor, number) == set()
        assert await later_events(tx, number) == [
            ("ticket.watched", {"user_id": str(me), "watches": True}),
            ("ticket.watched", {"user_id": str(me), "watches": False}),
        ]


async def test_customers_see_and_name_only_their_own_people(
    database: Database, tenant: Tenant, other_tenant: Tenant
) -> None:
    async with database.transaction() as tx:
        number = await raised(tx, tenant)
        colleague = await new_person(tx, role=Role.CUSTOMER, company=tenant.company.code)
        agent = await new_person(tx, role=Role.AGENT)
        assert colleague.user is not None
        assert agent.user is not None
        await watchers.watch(tx, tenant.actor, number, colleague.user.id, now=NOW)
        for user in (agent.user.id, other_tenant.user.id, uuid4(), agent.user.email):
            with pytest.raises(InvalidInput, match=r"^user must be an active user of the ticket's company$"):
                await watchers.watch(tx, tenant.actor, number, user, now=NOW)
        await watchers.watch(tx, agent, number, agent.user.email.upper(), now=NOW)
        for user in (other_tenant.user.id, uuid4(), "nobody@example.com"):
            with pytest.raises(InvalidInput, match=r"or of the provider$"):
                await watchers.watch(tx, agent, number, user, now=NOW)
        assert await watcher_ids(tx, agent, number) == {colleague.user.id, agent.user.id}
        assert await watcher_ids(tx, tenant.actor, number) == {colleague.user.id}
        with pytest.raises(NotFound):
            await watchers.get_watcher(tx, tenant.actor, number, agent.user.id)
        assert not await watchers.unwatch(tx, tenant.actor, number, agent.user.id, now=NOW)
        assert not await watchers.unwatch(tx, tenant.actor, number, agent.user.email, now=NOW)
        assert await watcher_ids(tx, agent, number) == {colleague.user.id, agent.user.id}
        assert await watchers.unwatch(tx, tenant.actor, number, colleague.user.email, now=NOW)
        assert await watcher_ids(tx, agent, number) == {agent.user.id}


async def test_an_inactive_user_cannot_become_a_watcher(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        number = await raised(tx, tenant)
        inactive = await new_person(tx, role=Role.CUSTOMER, company=tenant.company.code)
        assert inactive.user is not None
        await tx.write("update app_user set is_active = false where id = $1", inactive.user.id)
        with pytest.raises(InvalidInput):
            await watchers.watch(tx, OPERATOR, number, inactive.user.id, now=NOW)


async def test_another_companys_ticket_cannot_be_watched(
    database: Database, tenant: Tenant, other_tenant: Tenant
) -> None:
    async with database.transaction() as tx:
        number = await raised(tx, tenant)
        user_id = other_tenant.user.id
        for hidden in (number, 999_999_999):
            for work in (
                watchers.list_watchers(tx, other_tenant.actor, hidden, after=None, limit=10),
                watchers.get_watcher(tx, other_tenant.actor, hidden, user_id),
                watchers.watch(tx, other_tenant.actor, hidden, user_id, now=NOW),
                watchers.unwatch(tx, other_tenant.actor, hidden, user_id, now=NOW),
            ):
                with pytest.raises(NotFound, match="ticket INC"):
                    await work


async def test_a_viewer_lists_watchers_and_changes_none(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        number = await raised(tx, tenant)
        viewer = await new_person(tx, role=Role.VIEWER)
        await watchers.watch(tx, OPERATOR, number, tenant.user.id, now=NOW)
        assert await watcher_ids(tx, viewer, number) == {tenant.user.id}
        with pytest.raises(ScopeMissing):
            await watchers.watch(tx, viewer, number, watchers.own_user(viewer), now=NOW)
        with pytest.raises(ScopeMissing):
            await watchers.unwatch(tx, viewer, number, tenant.user.id, now=NOW)


def test_the_operator_has_no_user_to_watch_with() -> None:
    with pytest.raises(Forbidden):
        watchers.own_user(OPERATOR)


async def test_watchers_are_listed_page_by_page(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        number = await raised(tx, tenant)
        people = []
        for role, company in [(Role.CUSTOMER, tenant.company.code)] * 3 + [(Role.AGENT, "PROVIDER")] * 2:
            person = await new_person(tx, role=role, company=company)
            await watchers.watch(tx, OPERATOR, number, watchers.own_user(person), now=NOW)
            people.append(watchers.own_user(person))
        for actor, visible in ((OPERATOR, people), (tenant.actor, people[:3])):
            user_ids: list[UUID] = []
            after = None
            while page := await watchers.list_watchers(tx, actor, number, after=after, limit=2):
                assert len(page) <= 2
                user_ids += [watcher.user.id for watcher in page]
                after = user_ids[-1]
            assert user_ids == sorted(visible)


@pytest.mark.parametrize("address", ["ada\0@example.com", "\ud800@example.com", ""])
async def test_an_address_that_nobody_can_have_is_that_of_no_user(
    database: Database, tenant: Tenant, address: str
) -> None:
    async with database.transaction() as tx:
        number = await raised(tx, tenant)
        for actor in (tenant.actor, OPERATOR):
            with pytest.raises(InvalidInput):
                await watchers.watch(tx, actor, number, address, now=NOW)
            assert not await watchers.unwatch(tx, actor, number, address, now=NOW)
