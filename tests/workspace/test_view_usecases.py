import asyncio
import json
from typing import Any
from uuid import uuid4

import pytest

from clearline.errors import AlreadyExists, Forbidden, InvalidInput, NotFound, ScopeMissing
from clearline.identity import OPERATOR, Actor, Role
from clearline.limit_errors import TooManyViews
from clearline.platform.database.transactions import Database, Tx
from clearline.workspace import view_usecases as views
from clearline.workspace.domain import VIEWS_MAX, SavedView
from tests.builders.people import NOW, Tenant, new_person, new_tenant


async def names(tx: Tx, actor: Actor) -> list[str]:
    return [view.name for view in await views.list_views(tx, actor, after=None, limit=100)]


async def events_of(tx: Tx, view: SavedView) -> list[tuple[str, list[Any]]]:
    rows = await tx.fetch(
        "select type, data::text from event where company_id = $1 and data->>'id' = $2 order by id",
        view.company_id,
        str(view.id),
    )
    return [(row[0], json.loads(row[1])["changes"]) for row in rows]


ADMINS = [(Role.CUSTOMER_ADMIN, Role.CUSTOMER, True), (Role.ADMIN, Role.AGENT, False)]
"""The roles of an admin and another user of the same company, and whether it is a customer."""


async def pair(tx: Tx, tenant: Tenant, roles: tuple[Role, Role, bool]) -> tuple[Actor, Actor]:
    admin, other, customer = roles
    code = tenant.company.code if customer else "PROVIDER"
    return await new_person(tx, role=admin, company=code), await new_person(tx, role=other, company=code)


@pytest.mark.parametrize("roles", ADMINS)
async def test_a_view_is_its_owners_until_an_admin_shares_it(
    database: Database, roles: tuple[Role, Role, bool]
) -> None:
    tenant = await new_tenant(database)
    async with database.transaction() as tx:
        admin, other = await pair(tx, tenant, roles)
        await tx.write("delete from saved_view")
        own = await views.add_view(tx, other, "Mine", "status:open fibre", now=NOW)
        assert await views.get_view(tx, other, own.id) == own
        assert await names(tx, admin) == []
        for work in (
            views.get_view(tx, admin, own.id),
            views.change_view(tx, admin, own.id, {"name": "x"}, now=NOW),
            views.delete_view(tx, admin, own.id, now=NOW),
        ):
            with pytest.raises(NotFound):
                await work
        with pytest.raises(Forbidden):
            await views.add_view(tx, other, "Ours", "", is_shared=True, now=NOW)
        with pytest.raises(Forbidden):
            await views.change_view(tx, other, own.id, {"is_shared": True}, now=NOW)
        shared = await views.add_view(tx, admin, "Ours", "priority:critical", is_shared=True, now=NOW)
        assert await names(tx, other) == ["Mine", "Ours"]
        assert await views.get_view(tx, other, shared.id) == shared
        for work in (
            views.change_view(tx, other, shared.id, {"name": "x"}, now=NOW),
            views.delete_view(tx, other, shared.id, now=NOW),
        ):
            with pytest.raises(Forbidden):
                await work
        assert await views.get_view(tx, other, shared.id) == shared


async def test_an_admin_changes_and_deletes_what_others_share(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        admin, other = await pair(tx, tenant, ADMINS[0])
        owner = await new_person(tx, role=Role.CUSTOMER_ADMIN, company=tenant.company.code)
        view = await views.add_view(tx, owner, "Ours", "a", is_shared=True, now=NOW)
        changed = await views.change_view(tx, admin, view.id, {"query": "b"}, now=NOW)
        assert (changed.user_id, changed.query) == (view.user_id, "b")
        assert (await views.get_view(tx, other, view.id)).query == "b"
        await views.delete_view(tx, admin, view.id, now=NOW)
        with pytest.raises(NotFound):
            await views.get_view(tx, owner, view.id)


async def test_only_shared_views_make_events(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        admin = await new_person(tx, role=Role.CUSTOMER_ADMIN, company=tenant.company.code)
        view = await views.add_view(tx, admin, "Mine", "a", now=NOW)
        await views.change_view(tx, admin, view.id, {"query": "b"}, now=NOW)
        assert await events_of(tx, view) == []
        await views.change_view(tx, admin, view.id, {"is_shared": True}, now=NOW)
        await views.change_view(tx, admin, view.id, {"query": "b", "is_shared": True}, now=NOW)
        await views.change_view(tx, admin, view.id, {"query": "c"}, now=NOW)
        await views.delete_view(tx, admin, view.id, now=NOW)
        assert await events_of(tx, view) == [
            ("view.changed", [{"field": "is_shared", "before": False, "after": True}]),
            ("view.changed", [{"field": "query", "before": "b", "after": "c"}]),
            ("view.deleted", []),
        ]
        shared = await views.add_view(tx, admin, "Ours", "a", is_shared=True, now=NOW)
        assert await events_of(tx, shared) == [("view.created", [])]
        await views.change_view(tx, admin, shared.id, {"is_shared": False}, now=NOW)
        assert [kind for kind, _changes in await events_of(tx, shared)] == ["view.created", "view.changed"]


async def test_another_companys_shared_view_does_not_exist(
    database: Database, tenant: Tenant, other_tenant: Tenant
) -> None:
    async with database.transaction() as tx:
        admin = await new_person(tx, role=Role.CUSTOMER_ADMIN, company=tenant.company.code)
        foreign = await new_person(tx, role=Role.CUSTOMER_ADMIN, company=other_tenant.company.code)
        desk = await new_person(tx, role=Role.ADMIN)
        view = await views.add_view(tx, admin, "Only ours", "", is_shared=True, now=NOW)
        assert "Only ours" in await names(tx, tenant.actor)
        for actor in (foreign, desk):
            assert "Only ours" not in await names(tx, actor)
            for view_id in (view.id, uuid4()):
                for work in (
                    views.get_view(tx, actor, view_id),
                    views.change_view(tx, actor, view_id, {"name": "x"}, now=NOW),
                    views.delete_view(tx, actor, view_id, now=NOW),
                ):
                    with pytest.raises(NotFound, match=f"view {view_id} does not exist"):
                        await work


async def test_the_names_of_a_users_views_are_unique(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        user = await new_person(tx, role=Role.CUSTOMER, company=tenant.company.code)
        other_user = await new_person(tx, role=Role.CUSTOMER, company=tenant.company.code)
        view = await views.add_view(tx, user, "Mine", "", now=NOW)
        await views.add_view(tx, other_user, "Mine", "", now=NOW)
        second = await views.add_view(tx, user, "Second", "", now=NOW)
        with pytest.raises(AlreadyExists):
            await views.add_view(tx, user, "MINE", "", now=NOW)
        with pytest.raises(AlreadyExists):
            await views.change_view(tx, user, second.id, {"name": "mine"}, now=NOW)
        assert (await views.change_view(tx, user, view.id, {"name": "MINE"}, now=NOW)).name == "MINE"
        with pytest.raises(InvalidInput):
            await views.add_view(tx, user, "Long", "x" * 501, now=NOW)
        with pytest.raises(InvalidInput):
            await views.change_view(tx, user, view.id, {"query": "x" * 501}, now=NOW)


async def test_views_are_listed_by_name_page_by_page(database: Database) -> None:
    tenant = await new_tenant(database)
    async with database.transaction() as tx:
        user = await new_person(tx, role=Role.CUSTOMER, company=tenant.company.code)
        admin = await new_person(tx, role=Role.CUSTOMER_ADMIN, company=tenant.company.code)
        for name in ("beta", "Delta", "alpha"):
            await views.add_view(tx, user, name, "", now=NOW)
        for name in ("Alpha", "gamma"):
            await views.add_view(tx, admin, name, "", is_shared=True, now=NOW)
        await views.add_view(tx, admin, "a private one", "", now=NOW)
        listed: list[SavedView] = []
        after = None
        while page := await views.list_views(tx, user, after=after, limit=2):
            assert len(page) <= 2
            listed += page
            after = (listed[-1].name, listed[-1].id)
    assert [view.name.lower() for view in listed] == ["alpha", "alpha", "beta", "delta", "gamma"]
    assert [view.id for view in listed[:2]] == sorted(view.id for view in listed[:2])


async def test_only_the_operator_names_the_owner_of_views(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        admin = await new_person(tx, role=Role.ADMIN)
        for actor, of in ((OPERATOR, None), (tenant.actor, tenant.user), (admin, tenant.user)):
            with pytest.raises(Forbidden):
                await views.list_views(tx, actor, of=of, after=None, limit=10)
            with pytest.raises(Forbidden):
                await views.add_view(tx, actor, "x", "", of=of, now=NOW)
        view = await views.add_view(tx, OPERATOR, "Made for Ada", "", is_shared=True, of=tenant.user, now=NOW)
        assert view.user_id == tenant.user.id
        assert "Made for Ada" in await names(tx, tenant.actor)
        assert await views.get_view(tx, OPERATOR, view.id, of=tenant.user) == view
        await views.delete_view(tx, OPERATOR, view.id, of=tenant.user, now=NOW)
        assert "Made for Ada" not in await names(tx, tenant.actor)


async def test_a_key_that_may_only_read_adds_no_views(database: Database) -> None:
    async with database.transaction() as tx:
        viewer = await new_person(tx, role=Role.VIEWER)
        await views.list_views(tx, viewer, after=None, limit=10)
        for work in (
            views.add_view(tx, viewer, "x", "", now=NOW),
            views.change_view(tx, viewer, uuid4(), {}, now=NOW),
            views.delete_view(tx, viewer, uuid4(), now=NOW),
        ):
            with pytest.raises(ScopeMissing):
                await work


async def test_only_one_of_several_concurrent_additions_of_a_name_succeeds(database: Database, tenant: Tenant) -> None:
    async def save() -> None:
        async with database.transaction() as tx:
            await views.add_view(tx, tenant.actor, "At once", "", now=NOW)

    outcomes = await asyncio.gather(save(), save(), save(), return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["AlreadyExists", "AlreadyExists", "NoneType"]


async def test_a_user_has_a_limited_number_of_views(database: Database, fresh: Tenant) -> None:
    async with database.transaction() as tx:
        user, other = [await new_person(tx, role=Role.CUSTOMER, company=fresh.company.code) for _ in range(2)]
        for number in range(VIEWS_MAX):
            await views.add_view(tx, user, f"View {number}", "", now=NOW)
    with pytest.raises(TooManyViews):
        async with database.transaction() as tx:
            await views.add_view(tx, user, "One more", "", now=NOW)
    async with database.transaction() as tx:
        await views.add_view(tx, other, "One more", "", now=NOW)
        [first, *_] = await views.list_views(tx, user, after=None, limit=1)
        await views.delete_view(tx, user, first.id, now=NOW)
        await views.add_view(tx, user, "One more", "", now=NOW)
