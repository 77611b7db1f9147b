from typing import Any
from uuid import UUID, uuid4

import pytest
from msgspec.structs import replace

from clearline.catalogue.assessment import Priority
from clearline.catalogue.published import IssueType, ServiceType
from clearline.errors import Forbidden, InvalidInput, NobodyAvailable, NotFound, TicketFinished, TicketTaken
from clearline.events import store as event_store
from clearline.identity import OPERATOR, PROVIDER_ID, Role
from clearline.mail.outbound import suppression_store
from clearline.mail.outbound import usecases as outbound_mail
from clearline.mail.outbound.domain import Suppression, SuppressionReason
from clearline.platform.database.transactions import Database, Tx
from clearline.queues import store as queue_store
from clearline.queues import team_usecases as teams
from clearline.queues import usecases as setup
from clearline.queues.domain import Assignment
from clearline.routing import rule_usecases as routing_rules
from clearline.routing import usecases as routing
from clearline.routing.domain import RoutingFacts
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets import hand_over_usecases as hand_over
from clearline.tickets import usecases as tickets
from clearline.tickets.domain import Status
from tests.builders.databases import administer
from tests.builders.people import NOW, Tenant, email_of, id_of, new_person
from tests.builders.queues import change, changes_of, new_queue, new_rule
from tests.builders.tickets import raised


@pytest.fixture(autouse=True)
async def _no_rules(database_url: str) -> None:
    await administer(database_url, "delete from routing_rule")


async def facts_of(tx: Tx, tenant: Tenant, number: int) -> list[tuple[str, str, dict[str, Any]]]:
    """Return the type, actor and data of a ticket's events since it was raised."""
    events = await event_store.of_ticket(tx, tenant.company.id, number, after=0, limit=100)
    return [(event.type, event.actor_name, event.data) for event in events[1:]]


async def order(tx: Tx) -> list[tuple[int, UUID]]:
    listed = await routing_rules.list_rules(tx, OPERATOR, after=None, limit=100)
    return [(item.rule.position, item.rule.id) for item in listed]


async def test_rules_keep_positions_without_gaps_after_every_change(database: Database) -> None:
    async with database.transaction() as tx:
        queue = await new_queue(tx)
        b = await new_rule(tx, queue)
        d = await new_rule(tx, queue)
        a = await new_rule(tx, queue, position=1)
        c = await new_rule(tx, queue, position=3)
        assert await order(tx) == [(1, a), (2, b), (3, c), (4, d)]
        await routing_rules.change_rule(tx, OPERATOR, d, {"position": 1}, now=NOW)
        assert await order(tx) == [(1, d), (2, a), (3, b), (4, c)]
        await routing_rules.change_rule(tx, OPERATOR, d, {"position": 3}, now=NOW)
        assert await order(tx) == [(1, a), (2, b), (3, d), (4, c)]
        await routing_rules.delete_rule(tx, OPERATOR, b, now=NOW)
        assert await order(tx) == [(1, a), (2, d), (3, c)]
        await routing_rules.order_rules(tx, OPERATOR, [c, a, d], now=NOW)
        assert await order(tx) == [(1, c), (2, a), (3, d)]
        for wrong in ([c, a], [c, a, d, d], [c, a, uuid4()]):
            with pytest.raises(InvalidInput):
                await routing_rules.order_rules(tx, OPERATOR, wrong, now=NOW)
        page = await routing_rules.list_rules(tx, OPERATOR, after=1, limit=1)
        assert [item.rule.id for item in page] == [a]
        [_created, *changes] = await changes_of(tx, d)
        assert changes == [
            ("routing_rule.changed", [change("position", 4, 1)]),
            ("routing_rule.changed", [change("position", 1, 3)]),
            ("routing_rule.changed", [change("position", 2, 3)]),
        ]
        assert (await changes_of(tx, b))[-1] == ("routing_rule.deleted", [])


async def test_the_event_of_a_changed_rule_has_the_changes(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        queue = await new_queue(tx)
        rule_id = await new_rule(tx, queue, name="Urgent", priorities=(Priority.CRITICAL,))
        values = {"company_ids": (tenant.company.id,), "keywords": ("bgp",), "is_active": False}
        changed = await routing_rules.change_rule(tx, OPERATOR, rule_id, values, now=NOW)
        assert await routing_rules.change_rule(tx, OPERATOR, rule_id, values, now=NOW) == changed
        assert changed == await routing_rules.get_rule(tx, OPERATOR, rule_id)
        rule = changed.rule
        assert (rule.name, rule.position, rule.priorities) == ("Urgent", 1, (Priority.CRITICAL,))
        assert (rule.company_ids, rule.keywords, rule.is_active) == ((tenant.company.id,), ("bgp",), False)
        assert changed.queue_name == queue.queue.name
        assert (await changes_of(tx, rule_id))[1:] == [
            (
                "routing_rule.changed",
                [
                    change("company_ids", [], [str(tenant.company.id)]),
                    change("keywords", [], ["bgp"]),
                    change("is_active", True, False),
                ],
            )
        ]


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"queue_id": UUID(int=1)}, "queue_id"),
        ({"company_ids": (UUID(int=1),)}, "company_ids"),
        ({"company_ids": (PROVIDER_ID,)}, "company_ids"),
        ({"name": ""}, "name"),
    ],
)
async def test_a_rule_with_wrong_values_is_refused(database: Database, values: dict[str, Any], field: str) -> None:
    async with database.transaction() as tx:
        queue = await new_queue(tx)
        rule_id = await new_rule(tx, queue)
        sound = {"name": "A rule", "queue_id": queue.queue.id}
        for work in (
            routing_rules.add_rule(tx, OPERATOR, sound | values, now=NOW),
            routing_rules.change_rule(tx, OPERATOR, rule_id, values, now=NOW),
        ):
            with pytest.raises(InvalidInput) as caught:
                await work
            assert [violation.field for violation in caught.value.violations] == [field]
        for position in (0, 3):
            with pytest.raises(InvalidInput, match="position must be 1 to 2"):
                await routing_rules.add_rule(tx, OPERATOR, sound, position=position, now=NOW)


async def test_a_new_ticket_goes_to_the_queue_of_the_first_rule_that_matches(
    database: Database, tenant: Tenant
) -> None:
    async with database.transaction() as tx:
        first, second = await new_queue(tx), await new_queue(tx)
        await new_rule(tx, first, issue_types=(IssueType.CIRCUIT_DOWN,))
        await new_rule(tx, second, name="Slow ports", keywords=("slow",))
        await new_rule(tx, first)
        number = await raised(tx, tenant)
        assert await routing.route_new_ticket(tx, number, now=NOW)
        assert not await routing.route_new_ticket(tx, number, now=NOW)
        ticket = await tickets.get_ticket(tx, OPERATOR, number)
        assert (ticket.queue_name, ticket.assignee_name) == (second.queue.name, None)
        assert await facts_of(tx, tenant, number) == [
            ("ticket.routed", "routing", {"before": None, "after": str(second.queue.id), "rule": "Slow ports"})
        ]


async def test_a_ticket_that_is_finished_or_matches_no_rule_keeps_its_queue(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        queue = await new_queue(tx)
        rule_id = await new_rule(tx, queue, keywords=("nothing",))
        number, finished = await raised(tx, tenant), await raised(tx, tenant)
        await ticket_changes.move_ticket(tx, OPERATOR, finished, Status.REJECTED, reason="", now=NOW)
        assert not await routing.route_new_ticket(tx, number, now=NOW)
        assert (await routing.route_ticket(tx, OPERATOR, number, now=NOW)).ticket.queue_id is None
        await routing_rules.change_rule(tx, OPERATOR, rule_id, {"keywords": ()}, now=NOW)
        assert not await routing.route_new_ticket(tx, finished, now=NOW)
        with pytest.raises(TicketFinished):
            await routing.route_ticket(tx, OPERATOR, finished, now=NOW)
        with pytest.raises(NotFound):
            await routing.route_new_ticket(tx, 10**11, now=NOW)


async def test_available_agents_take_turns(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        ann, ben, cleo = [await new_person(tx, name) for name in ("Ann", "Ben", "Cleo")]
        await new_rule(tx, await new_queue(tx, ann, ben, cleo, assignment=Assignment.ROUND_ROBIN))

        async def assigned() -> str | None:
            await routing.route_new_ticket(tx, number := await raised(tx, tenant), now=NOW)
            return (await tickets.get_ticket(tx, OPERATOR, number)).assignee_name

        assert [await assigned() for _ in range(4)] == ["Ann", "Ben", "Cleo", "Ann"]
        await teams.set_available(tx, ben, available=False, now=NOW)
        assert [await assigned() for _ in range(2)] == ["Cleo", "Ann"]
        await teams.set_available(tx, ben, available=True, now=NOW)
        await tx.write("update app_user set is_active = false where id = $1", id_of(cleo))
        assert [await assigned() for _ in range(2)] == ["Ben", "Ann"]
        bounced = Suppression(email_of(ann).lower(), SuppressionReason.BOUNCE, "", NOW)
        assert await suppression_store.add(tx, bounced)
        await outbound_mail.suppress(tx, OPERATOR, email_of(ben), now=NOW)
        assert [await assigned() for _ in range(2)] == ["Ben", "Ben"]
        for agent in (ann, ben):
            await teams.set_available(tx, agent, available=False, now=NOW)
        assert await assigned() is None


async def test_agents_who_do_not_see_a_ticket_are_not_assigned_it(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        ann, ben, cleo = [await new_person(tx, name) for name in ("Ann", "Ben", "Cleo")]
        queue = await new_queue(tx, ann, ben, cleo, assignment=Assignment.ROUND_ROBIN)
        elsewhere = (await new_queue(tx, ann)).queue.id
        await new_rule(tx, queue)
        for agent, limits in ((ann, {"only_queues": (elsewhere,)}), (ben, {"only_companies": (tenant.company.id,)})):
            await hand_over.change_user(tx, OPERATOR, PROVIDER_ID, id_of(agent), limits, now=NOW)
        await hand_over.change_user(tx, OPERATOR, PROVIDER_ID, id_of(cleo), {"only_queues": (queue.queue.id,)}, now=NOW)

        async def assigned() -> str | None:
            await routing.route_new_ticket(tx, number := await raised(tx, tenant), now=NOW)
            return (await tickets.get_ticket(tx, OPERATOR, number)).assignee_name

        assert [await assigned() for _ in range(3)] == ["Ben", "Cleo", "Ben"]


async def test_the_least_loaded_agent_of_all_queues_gets_the_ticket(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        ann, ben = await new_person(tx, "Ann"), await new_person(tx, "Ben")
        queue = await new_queue(tx, ann, ben, assignment=Assignment.LEAST_LOADED)
        await new_rule(tx, queue, name="All")
        elsewhere, finished = await raised(tx, tenant), await raised(tx, tenant)
        await ticket_changes.assign(tx, OPERATOR, elsewhere, id_of(ann), now=NOW)
        await ticket_changes.assign(tx, OPERATOR, finished, id_of(ben), now=NOW)
        await ticket_changes.move_ticket(tx, OPERATOR, finished, Status.REJECTED, reason="", now=NOW)
        names = []
        for _ in range(3):
            await routing.route_new_ticket(tx, number := await raised(tx, tenant), now=NOW)
            names.append((await tickets.get_ticket(tx, OPERATOR, number)).assignee_name)
        assert names == ["Ben", "Ann", "Ben"]
        assert await facts_of(tx, tenant, number) == [
            ("ticket.routed", "routing", {"before": None, "after": str(queue.queue.id), "rule": "All"}),
            ("ticket.assigned", "routing", {"before": None, "after": str(id_of(ben)), "by": "least_loaded"}),
        ]


async def test_an_assigned_ticket_keeps_its_assignee(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        ann, ben = await new_person(tx, "Ann"), await new_person(tx, "Ben")
        queue = await new_queue(tx, ann, assignment=Assignment.ROUND_ROBIN)
        await new_rule(tx, queue)
        number = await raised(tx, tenant)
        await ticket_changes.assign(tx, OPERATOR, number, id_of(ben), now=NOW)
        await routing.route_new_ticket(tx, number, now=NOW)
        ticket = await tickets.get_ticket(tx, OPERATOR, number)
        assert (ticket.queue_name, ticket.assignee_name) == (queue.queue.name, "Ben")


async def test_a_ticket_is_routed_again_on_request(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        ann = await new_person(tx, "Ann")
        first, second = await new_queue(tx), await new_queue(tx, ann, assignment=Assignment.ROUND_ROBIN)
        rule_id = await new_rule(tx, first)
        number = await raised(tx, tenant)
        await routing.route_new_ticket(tx, number, now=NOW)
        await routing_rules.change_rule(tx, OPERATOR, rule_id, {"queue_id": second.queue.id}, now=NOW)
        routed = await routing.route_ticket(tx, ann, number, now=NOW)
        assert routed == await routing.route_ticket(tx, ann, number, now=NOW)
        assert (routed.queue_name, routed.assignee_name) == (second.queue.name, "Ann")
        assert [actor_name for _type, actor_name, _data in await facts_of(tx, tenant, number)] == [
            "routing",
            "Ann",
            "Ann",
        ]


async def test_agents_take_unassigned_tickets_and_others_only_with_force(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        ann, ben = await new_person(tx, "Ann"), await new_person(tx, "Ben")
        number = await raised(tx, tenant)
        assert (await routing.take_ticket(tx, ann, number, now=NOW)).assignee_name == "Ann"
        assert (await routing.take_ticket(tx, ann, number, now=NOW)).assignee_name == "Ann"
        with pytest.raises(TicketTaken, match="is assigned to Ann"):
            await routing.take_ticket(tx, ben, number, now=NOW)
        assert (await routing.take_ticket(tx, ben, number, force=True, now=NOW)).assignee_name == "Ben"
        with pytest.raises(Forbidden):
            await routing.take_ticket(tx, OPERATOR, number, now=NOW)
        await ticket_changes.move_ticket(tx, OPERATOR, number, Status.REJECTED, reason="", now=NOW)
        with pytest.raises(TicketFinished):
            await routing.take_ticket(tx, ben, number, now=NOW)


async def test_a_ticket_is_assigned_by_turns_on_request(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        ann, ben = await new_person(tx, "Ann"), await new_person(tx, "Ben")
        queue = (await new_queue(tx, ann, ben)).queue
        number = await raised(tx, tenant)
        with pytest.raises(NobodyAvailable, match="it is in no queue"):
            await routing.assign_by_turns(tx, ann, number, Assignment.ROUND_ROBIN, now=NOW)
        await ticket_changes.change_ticket(tx, OPERATOR, number, {"queue_id": queue.id}, now=NOW)
        with pytest.raises(InvalidInput):
            await routing.assign_by_turns(tx, ann, number, Assignment.MANUAL, now=NOW)
        names = [
            (await routing.assign_by_turns(tx, ann, number, mode, now=NOW)).assignee_name
            for mode in (Assignment.ROUND_ROBIN, Assignment.ROUND_ROBIN, Assignment.LEAST_LOADED)
        ]
        assert names == ["Ann", "Ben", "Ann"]
        assert (await facts_of(tx, tenant, number))[-1][2]["by"] == "least_loaded"
        await setup.change_queue(tx, OPERATOR, queue.id, {"team_id": None}, now=NOW)
        with pytest.raises(NobodyAvailable, match="the queue has no team"):
            await routing.assign_by_turns(tx, ann, number, Assignment.ROUND_ROBIN, now=NOW)


async def test_a_preview_changes_nothing(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        ann, ben = await new_person(tx, "Ann"), await new_person(tx, "Ben")
        queue = await new_queue(tx, ann, ben, assignment=Assignment.ROUND_ROBIN)
        wrong = await new_rule(tx, queue, priorities=(Priority.CRITICAL,), keywords=("ospf",))
        right, spare = await new_rule(tx, queue), await new_rule(tx, queue)
        number = await raised(tx, tenant)
        facts = await routing.facts_of(tx, ann, number, {})
        preview = await routing.preview(tx, ann, facts)
        assert await routing.preview(tx, ann, facts) == preview
        assert [(result.rule.id, result.failed) for result in preview.results] == [
            (wrong, ("priorities", "keywords")),
            (right, ()),
            (spare, ()),
        ]
        assert preview.queue == await queue_store.get(tx, queue.queue.id)
        agent, why = preview.choice.agent, preview.choice.why
        assert (agent and agent.name, why) == ("Ann", "has the first turn")
        assert (await tickets.get_ticket(tx, OPERATOR, number)).ticket.queue_id is None
        await routing.route_new_ticket(tx, number, now=NOW)
        after = await routing.preview(tx, ann, facts)
        assert (after.choice.agent and after.choice.agent.name, after.choice.why) == ("Ben", "is next after Ann")


async def test_a_preview_without_a_matching_rule_or_without_a_team(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        number = await raised(tx, tenant)
        facts = await routing.facts_of(tx, OPERATOR, number, {})
        without_rules = await routing.preview(tx, OPERATOR, facts)
        assert (without_rules.results, without_rules.queue, without_rules.choice.why) == ([], None, "no rule matches")
        await new_rule(tx, await new_queue(tx), company_ids=(tenant.company.id,))
        without_company = await routing.preview(tx, OPERATOR, replace(facts, company_id=None))
        assert [result.failed for result in without_company.results] == [("company_ids",)]
        assert (await routing.preview(tx, OPERATOR, facts)).choice.why == "the queue leaves it to people"


async def test_only_agents_and_admins_route_and_assign_tickets(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        number = await raised(tx, tenant)
        viewer = await new_person(tx, role=Role.VIEWER)
        for actor in (tenant.actor, viewer):
            for work in (
                routing.route_ticket(tx, actor, number, now=NOW),
                routing.take_ticket(tx, actor, number, now=NOW),
                routing.assign_by_turns(tx, actor, number, Assignment.ROUND_ROBIN, now=NOW),
            ):
                with pytest.raises(Forbidden):
                    await work
        facts: RoutingFacts = await routing.facts_of(tx, viewer, number, {})
        await routing.preview(tx, viewer, facts)
        for attempt in (routing.preview(tx, tenant.actor, facts), routing.facts_of(tx, tenant.actor, number, {})):
            with pytest.raises(Forbidden):
                await attempt


async def test_the_facts_of_rules_come_from_a_ticket_or_from_values(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        number = await raised(tx, tenant, "No light")
        own = RoutingFacts(
            IssueType.SLOW_RESPONSE,
            ServiceType.PORT,
            tenant.company.id,
            Priority.MEDIUM,
            "No light",
            "Slow since 08:00 UTC",
        )
        assert await routing.facts_of(tx, OPERATOR, number, {}) == own
        assert await routing.facts_of(tx, OPERATOR, number, {"title": "x"}) == replace(own, title="x")
        values = {"issue_type": IssueType.CIRCUIT_DOWN, "service_type": ServiceType.PORT}
        assert await routing.facts_of(tx, OPERATOR, None, values) == RoutingFacts(
            IssueType.CIRCUIT_DOWN, ServiceType.PORT, None, Priority.CRITICAL, "", ""
        )
        low = await routing.facts_of(tx, OPERATOR, None, {**values, "priority": Priority.LOW})
        assert low.priority is Priority.LOW
        with pytest.raises(InvalidInput) as caught:
            await routing.facts_of(tx, OPERATOR, None, {"title": "x"})
        assert [violation.field for violation in caught.value.violations] == ["issue_type", "service_type"]
        with pytest.raises(NotFound):
            await routing.facts_of(tx, OPERATOR, 10**11, {})
