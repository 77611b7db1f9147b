from typing import Any
from uuid import UUID, uuid4

import pytest

from clearline.accounts import key_store, user_store
from clearline.accounts import usecases as accounts
from clearline.errors import AlreadyExists, DeskError, Forbidden, InUse, InvalidInput, NotFound, ScopeMissing
from clearline.identity import OPERATOR, PROVIDER_ID, Actor, Role
from clearline.mail.outbound import usecases as outbound_mail
from clearline.platform.database.transactions import Database, Tx
from clearline.queues import team_usecases as teams
from clearline.queues import usecases as queues
from clearline.queues.domain import Assignment
from clearline.routing import rule_usecases as routing_rules
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets.domain import Status
from tests.builders.people import NOW, Tenant, email_of, id_of, new_person
from tests.builders.queues import change, changes_of, new_queue, new_rule, new_team, unique_name
from tests.builders.tickets import raised


async def test_a_team_is_added_renamed_and_deleted(database: Database) -> None:
    async with database.transaction() as tx:
        ann = await new_person(tx, "Ann")
        team = (await teams.add_team(tx, OPERATOR, name := unique_name("NOC"), now=NOW)).team
        await teams.change_team(tx, OPERATOR, team.id, {"name": (other := unique_name("Night"))}, now=NOW)
        await teams.change_team(tx, OPERATOR, team.id, {"name": other}, now=NOW)
        await teams.join_team(tx, OPERATOR, team.id, id_of(ann), now=NOW)
        joined = await teams.join_team(tx, OPERATOR, team.id, id_of(ann), now=NOW)
        assert [(member.name, member.role, member.is_available) for member in joined.members] == [
            ("Ann", Role.AGENT, True)
        ]
        assert (await teams.team_named(tx, OPERATOR, other.upper())) == joined
        emptied = await teams.leave_team(tx, OPERATOR, team.id, id_of(ann), now=NOW)
        assert emptied.members == []
        await teams.delete_team(tx, OPERATOR, team.id, now=NOW)
        with pytest.raises(NotFound):
            await teams.get_team(tx, OPERATOR, team.id)
        assert await changes_of(tx, team.id) == [
            ("team.created", [change("name", None, name)]),
            ("team.changed", [change("name", name, other)]),
            ("team.changed", [change("member", None, str(id_of(ann)))]),
            ("team.changed", [change("member", str(id_of(ann)), None)]),
            ("team.deleted", []),
        ]


async def test_only_agents_and_admins_of_the_provider_join_teams(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        team = (await new_team(tx)).team
        viewer = await new_person(tx, role=Role.VIEWER)
        for user_id, refusal in ((id_of(viewer), InvalidInput), (tenant.user.id, NotFound), (uuid4(), NotFound)):
            with pytest.raises(refusal):
                await teams.join_team(tx, OPERATOR, team.id, user_id, now=NOW)
        with pytest.raises(NotFound):
            await teams.leave_team(tx, OPERATOR, team.id, id_of(viewer), now=NOW)


async def test_a_team_that_works_a_queue_cannot_be_deleted(database: Database) -> None:
    async with database.transaction() as tx:
        queue = await new_queue(tx)
        assert queue.queue.team_id is not None
        with pytest.raises(InUse, match=f"it works {queue.queue.name}; give these to another team first"):
            await teams.delete_team(tx, OPERATOR, queue.queue.team_id, now=NOW)


async def test_a_queue_is_added_changed_and_deleted(database: Database) -> None:
    async with database.transaction() as tx:
        team = (await new_team(tx)).team
        queue = (await queues.add_queue(tx, OPERATOR, name=(name := unique_name("NOC")), now=NOW)).queue
        values = {"description": "All day", "team_id": team.id, "assignment": Assignment.ROUND_ROBIN}
        changed = await queues.change_queue(tx, OPERATOR, queue.id, values, now=NOW)
        assert await queues.change_queue(tx, OPERATOR, queue.id, values, now=NOW) == changed
        assert changed == await queues.get_queue(tx, OPERATOR, queue.id)
        assert (changed.team_name, changed.open, changed.unassigned) == (team.name, 0, 0)
        assert await queues.queue_named(tx, OPERATOR, name.upper()) == changed.queue
        await queues.delete_queue(tx, OPERATOR, queue.id, now=NOW)
        with pytest.raises(NotFound):
            await queues.get_queue(tx, OPERATOR, queue.id)
        assert await changes_of(tx, queue.id) == [
            (
                "queue.created",
                [
                    change("name", None, name),
                    change("description", None, ""),
                    change("team_id", None, None),
                    change("assignment", None, "manual"),
                    change("sender_name", None, ""),
                    change("sender_address", None, ""),
                ],
            ),
            (
                "queue.changed",
                [
                    change("description", "", "All day"),
                    change("team_id", None, str(team.id)),
                    change("assignment", "manual", "round_robin"),
                ],
            ),
            ("queue.deleted", []),
        ]


async def test_names_are_unique_in_any_case(database: Database) -> None:
    async with database.transaction() as tx:
        team, second = (await new_team(tx)).team, (await new_team(tx)).team
        queue, other = (await new_queue(tx)).queue, (await new_queue(tx)).queue
        with pytest.raises(AlreadyExists):
            await teams.add_team(tx, OPERATOR, team.name.upper(), now=NOW)
        with pytest.raises(AlreadyExists):
            await teams.change_team(tx, OPERATOR, second.id, {"name": team.name.upper()}, now=NOW)
        with pytest.raises(AlreadyExists):
            await queues.add_queue(tx, OPERATOR, name=queue.name.upper(), now=NOW)
        with pytest.raises(AlreadyExists):
            await queues.change_queue(tx, OPERATOR, other.id, {"name": queue.name.upper()}, now=NOW)
        renamed = await queues.change_queue(tx, OPERATOR, queue.id, {"name": queue.name.upper()}, now=NOW)
        assert renamed.queue.name == queue.name.upper()


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"team_id": UUID(int=1)}, "team_id"),
        ({"assignment": Assignment.ROUND_ROBIN}, "team_id"),
        ({"name": ""}, "name"),
    ],
)
async def test_a_queue_with_wrong_values_is_refused(database: Database, values: dict[str, Any], field: str) -> None:
    async with database.transaction() as tx:
        queue = (await queues.add_queue(tx, OPERATOR, name=unique_name("Queue"), now=NOW)).queue
        for work in (
            queues.add_queue(tx, OPERATOR, now=NOW, **{"name": unique_name("Queue"), **values}),
            queues.change_queue(tx, OPERATOR, queue.id, values, now=NOW),
        ):
            with pytest.raises(InvalidInput) as caught:
                await work
            assert [violation.field for violation in caught.value.violations] == [field]


async def test_a_queue_in_use_cannot_be_deleted(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        queue = (details := await new_queue(tx)).queue
        rule_id = await new_rule(tx, details)
        numbers = [await raised(tx, tenant), await raised(tx, tenant)]
        for number in numbers:
            await ticket_changes.change_ticket(tx, OPERATOR, number, {"queue_id": queue.id}, now=NOW)

        async def refusal() -> str:
            with pytest.raises(InUse) as caught:
                await queues.delete_queue(tx, OPERATOR, queue.id, now=NOW)
            return caught.value.by

        assert await refusal() == "it has 2 open tickets; move them to another queue first"
        await ticket_changes.change_ticket(tx, OPERATOR, numbers[0], {"queue_id": None}, now=NOW)
        assert await refusal() == "it has 1 open ticket; move them to another queue first"
        await ticket_changes.move_ticket(tx, OPERATOR, numbers[1], Status.REJECTED, reason="", now=NOW)
        assert (await refusal()).endswith("choose it; change or delete them first")
        await routing_rules.delete_rule(tx, OPERATOR, rule_id, now=NOW)
        assert await refusal() == "finished tickets were worked in it, and their history keeps it; rename it instead"


async def test_lists_are_ordered_by_name_page_by_page(database: Database) -> None:
    async with database.transaction() as tx:
        mark = unique_name("AAA")
        for name in ("b", "A", "c"):
            await teams.add_team(tx, OPERATOR, f"{mark} {name}", now=NOW)
            await queues.add_queue(tx, OPERATOR, name=f"{mark} {name}", now=NOW)
        first_teams = await teams.list_teams(tx, OPERATOR, after=f"{mark} ", limit=2)
        first_queues = await queues.list_queues(tx, OPERATOR, after=f"{mark} ", limit=2)
        rest_teams = await teams.list_teams(tx, OPERATOR, after=first_teams[-1].team.name, limit=1)
        rest_queues = await queues.list_queues(tx, OPERATOR, after=first_queues[-1].queue.name, limit=1)
        assert len(await queues.list_queues(tx, OPERATOR, after=None, limit=1)) == 1
        assert len(await teams.list_teams(tx, OPERATOR, after=None, limit=1)) == 1
    assert [item.team.name for item in first_teams + rest_teams] == [f"{mark} {name}" for name in ("A", "b", "c")]
    assert [item.queue.name for item in first_queues + rest_queues] == [f"{mark} {name}" for name in ("A", "b", "c")]


async def test_a_queue_counts_its_open_and_unassigned_tickets(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        ann = await new_person(tx, "Ann")
        queue = await new_queue(tx, ann)
        for values in ({}, {}, {"assignee_id": id_of(ann)}):
            number = await raised(tx, tenant)
            await ticket_changes.change_ticket(tx, OPERATOR, number, {"queue_id": queue.queue.id, **values}, now=NOW)
        await ticket_changes.move_ticket(tx, OPERATOR, number - 1, Status.REJECTED, reason="", now=NOW)
        counted = await queues.get_queue(tx, OPERATOR, queue.queue.id)
        listed = await queues.list_queues(tx, OPERATOR, after=None, limit=100)
    assert (counted.open, counted.unassigned) == (2, 1)
    assert counted in listed


@pytest.mark.parametrize("why", ["a bounce", "inactive", "a viewer"])
async def test_a_queue_counts_the_tickets_whose_assignee_gets_no_mail(
    database: Database, tenant: Tenant, why: str
) -> None:
    async with database.transaction() as tx:
        ann, ben = await new_person(tx, "Ann"), await new_person(tx, "Ben")
        queue = await new_queue(tx, ann)
        for assignee in (ann, ann, ben, None):
            number = await raised(tx, tenant)
            values = {"queue_id": queue.queue.id, "assignee_id": None if assignee is None else id_of(assignee)}
            await ticket_changes.change_ticket(tx, OPERATOR, number, values, now=NOW)
        before = await queues.get_queue(tx, OPERATOR, queue.queue.id)
        if why == "a bounce":
            await outbound_mail.suppress(tx, OPERATOR, email_of(ann).upper(), now=NOW)
        else:
            changes: dict[str, Any] = {"is_active": False} if why == "inactive" else {"role": Role.VIEWER}
            await accounts.change_user(tx, OPERATOR, PROVIDER_ID, id_of(ann), changes, now=NOW)
        counted = await queues.get_queue(tx, OPERATOR, queue.queue.id)
        listed = await queues.list_queues(tx, OPERATOR, after=None, limit=100)
    assert (before.open, before.unassigned, before.unreachable) == (4, 1, 0)
    assert (counted.open, counted.unassigned, counted.unreachable) == (4, 1, 2)
    assert counted in listed


async def test_the_queues_are_named_each_with_whether_my_team_has_it(database: Database) -> None:
    async with database.transaction() as tx:
        me, other = await new_person(tx), await new_person(tx)
        mine, theirs = (await new_queue(tx, me)).queue, (await new_queue(tx, other)).queue
        named = await queues.name_queues(tx, me, limit=1000)
        assert [queue.name for queue, _is_mine in named] == sorted((queue.name for queue, _ in named), key=str.lower)
        assert {queue.id: is_mine for queue, is_mine in named if queue.id in {mine.id, theirs.id}} == {
            mine.id: True, theirs.id: False,
        }  # fmt: skip
        assert mine in [queue for queue, _is_mine in named]
        assert not any(is_mine for _queue, is_mine in await queues.name_queues(tx, OPERATOR, limit=1000))
        assert len(await queues.name_queues(tx, me, limit=1)) == 1
        assert await queues.queue_with_id(tx, me, mine.id) == mine
        with pytest.raises(NotFound):
            await queues.queue_with_id(tx, me, uuid4())


async def test_people_set_their_availability(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        ann = await new_person(tx, "Ann")
        for available in (False, False, True):
            assert (await teams.set_available(tx, ann, available=available, now=NOW)).is_available is available
            stored = await user_store.get(tx, PROVIDER_ID, id_of(ann))
            assert stored is not None
            assert stored.is_available is available
        assert (await changes_of(tx, id_of(ann)))[1:] == [
            ("user.changed", [change("is_available", True, False)]),
            ("user.changed", [change("is_available", False, True)]),
        ]
        for nobody in (OPERATOR, tenant.actor, await new_person(tx, role=Role.VIEWER)):
            with pytest.raises(Forbidden):
                await teams.set_available(tx, nobody, available=False, now=NOW)


async def reads(tx: Tx, actor: Actor) -> None:
    await teams.list_teams(tx, actor, after=None, limit=1)
    await queues.list_queues(tx, actor, after=None, limit=1)
    await routing_rules.list_rules(tx, actor, after=None, limit=1)


@pytest.mark.parametrize("role", [Role.ADMIN, Role.AGENT, Role.VIEWER])
async def test_the_staff_reads_queues_and_teams_and_admins_change_them(database: Database, role: Role) -> None:
    async with database.transaction() as tx:
        queue = await new_queue(tx)
        rule_id = await new_rule(tx, queue)
        actor, missing = await new_person(tx, role=role), uuid4()
        await reads(tx, actor)
        expected: type[DeskError] = NotFound if role is Role.ADMIN else Forbidden
        for work in (
            teams.change_team(tx, actor, missing, {"name": "A name"}, now=NOW),
            teams.delete_team(tx, actor, missing, now=NOW),
            teams.join_team(tx, actor, missing, missing, now=NOW),
            teams.leave_team(tx, actor, missing, missing, now=NOW),
            queues.change_queue(tx, actor, missing, {}, now=NOW),
            queues.delete_queue(tx, actor, missing, now=NOW),
            routing_rules.change_rule(tx, actor, missing, {}, now=NOW),
            routing_rules.delete_rule(tx, actor, missing, now=NOW),
        ):
            with pytest.raises(expected):
                await work
        if role is not Role.ADMIN:
            for making in (
                teams.add_team(tx, actor, "A team", now=NOW),
                queues.add_queue(tx, actor, name="A queue", now=NOW),
                routing_rules.add_rule(tx, actor, {"name": "A rule", "queue_id": queue.queue.id}, now=NOW),
                routing_rules.order_rules(tx, actor, [rule_id], now=NOW),
            ):
                with pytest.raises(Forbidden):
                    await making


async def test_a_key_without_the_scope_changes_nothing(database: Database) -> None:
    async with database.transaction() as tx:
        admin = await new_person(tx, role=Role.ADMIN)
        narrow = await key_store.actor_for(tx, PROVIDER_ID, id_of(admin), frozenset({"tickets:write"}))
        assert narrow is not None
        with pytest.raises(ScopeMissing):
            await teams.add_team(tx, narrow, "A team", now=NOW)
        with pytest.raises(ScopeMissing):
            await reads(tx, narrow)


async def test_customers_see_no_queues_and_teams(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        queue = await new_queue(tx)
        rule_id = await new_rule(tx, queue)
        assert queue.queue.team_id is not None
        for work in (
            reads(tx, tenant.actor),
            teams.get_team(tx, tenant.actor, queue.queue.team_id),
            queues.get_queue(tx, tenant.actor, queue.queue.id),
            routing_rules.get_rule(tx, tenant.actor, rule_id),
            teams.team_named(tx, tenant.actor, "a"),
            queues.queue_named(tx, tenant.actor, queue.queue.name),
            queues.queue_with_id(tx, tenant.actor, queue.queue.id),
            queues.name_queues(tx, tenant.actor, limit=1),
        ):
            with pytest.raises(Forbidden):
                await work
