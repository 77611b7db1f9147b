"""An agent who stops working tickets hands them over, and does not keep the answers of customers."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from clearline.accounts import usecases as accounts
from clearline.errors import InvalidInput
from clearline.identity import OPERATOR, PROVIDER_ID, Actor, Role, Scope
from clearline.platform.database.transactions import Database, Tx
from clearline.queues import usecases as queues
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets import hand_over_usecases as hand_over
from clearline.tickets import usecases as tickets
from clearline.tickets.domain import Status
from tests.builders.mail.outbox import eventually
from tests.builders.people import NOW, Tenant, email_of, id_of, new_person
from tests.builders.tickets import raised

LEAVING = [{"is_active": False}, {"role": Role.VIEWER}, {"role": Role.VIEWER, "is_active": False}]
STAYING = [{"name": "Ben I."}, {"role": Role.ADMIN}, {"is_available": False}, {"email": "ben.new@example.net"}]


async def assigned(tx: Tx, tenant: Tenant, agent: Actor, queue_id: Any = None) -> int:
    number = await raised(tx, tenant)
    await ticket_changes.change_ticket(
        tx, OPERATOR, number, {"assignee_id": id_of(agent), "queue_id": queue_id}, now=NOW
    )
    return number


async def assignee(tx: Tx, number: int) -> Any:
    return (await tickets.get_ticket(tx, OPERATOR, number)).ticket.assignee_id


async def change(tx: Tx, agent: Actor, values: dict[str, Any], by: Actor = OPERATOR) -> int:
    return (await hand_over.change_user_and_tickets(tx, by, PROVIDER_ID, id_of(agent), values, now=NOW))[1]


@pytest.mark.parametrize("values", LEAVING)
async def test_open_tickets_return_to_their_queue(database: Database, tenant: Tenant, values: dict[str, Any]) -> None:
    async with database.transaction() as tx:
        agent, other = await new_person(tx, "Ben Ito"), await new_person(tx, "Mara Lind")
        queue = await queues.add_queue(tx, OPERATOR, name=f"Queue {uuid4().hex[:8]}", now=NOW)
        first, second = await assigned(tx, tenant, agent, queue.queue.id), await assigned(tx, tenant, agent)
        finished, others = await assigned(tx, tenant, agent), await assigned(tx, tenant, other)
        await ticket_changes.move_ticket(tx, OPERATOR, finished, Status.REJECTED, reason="no", now=NOW)
        assert await change(tx, agent, values) == 2
        assert [await assignee(tx, number) for number in (first, second)] == [None, None]
        assert (await tickets.get_ticket(tx, OPERATOR, first)).ticket.queue_id == queue.queue.id
        assert await assignee(tx, finished) == id_of(agent)
        assert await assignee(tx, others) == id_of(other)


async def test_open_tickets_go_to_the_heir(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        agent, heir = await new_person(tx, "Ben Ito"), await new_person(tx, "Mara Lind")
        number = await assigned(tx, tenant, agent)
        assert await change(tx, agent, {"is_active": False, "hand_over_to": email_of(heir)}) == 1
        assert await assignee(tx, number) == id_of(heir)


@pytest.mark.parametrize("values", STAYING)
async def test_an_agent_who_goes_on_working_keeps_the_tickets(
    database: Database, tenant: Tenant, values: dict[str, Any]
) -> None:
    async with database.transaction() as tx:
        agent, heir = await new_person(tx, "Ben Ito"), await new_person(tx, "Mara Lind")
        number = await assigned(tx, tenant, agent)
        assert (
            await change(
                tx, agent, {**values, **({"email": f"{uuid4().hex}@example.net"} if "email" in values else {})}
            )
            == 0
        )
        assert await assignee(tx, number) == id_of(agent)
        with pytest.raises(InvalidInput):
            await change(tx, agent, {"name": "Ben", "hand_over_to": id_of(heir)})


@pytest.mark.parametrize("heir", ["a viewer", "nobody", "a customer", "themselves"])
async def test_only_an_agent_can_be_the_heir(database: Database, tenant: Tenant, heir: str) -> None:
    async with database.transaction() as tx:
        agent, viewer = await new_person(tx, "Ben Ito"), await new_person(tx, "Vic", Role.VIEWER)
        refs = {
            "a viewer": id_of(viewer), "nobody": "nobody@example.net", "a customer": tenant.user.email,
            "themselves": id_of(agent),
        }  # fmt: skip
        with pytest.raises(InvalidInput, match="hand_over_to must be the"):
            await change(tx, agent, {"is_active": False, "hand_over_to": refs[heir]})


async def test_a_key_that_may_not_write_tickets_can_deactivate_an_agent(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        scopes = frozenset({Scope.ACCOUNTS_READ, Scope.ACCOUNTS_WRITE})
        admin, agent = await new_person(tx, "Ida", Role.ADMIN, scopes=scopes), await new_person(tx, "Ben Ito")
        number = await assigned(tx, tenant, agent)
        assert await change(tx, agent, {"is_active": False}, by=admin) == 1
        assert await assignee(tx, number) is None


async def test_the_customers_of_a_company_hand_nothing_over(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        email = f"{uuid4().hex}@example.com"
        user = await accounts.add_user(tx, OPERATOR, tenant.company.id, name="Kim", email=email, phone="", now=NOW)
        changed, count = await hand_over.change_user_and_tickets(
            tx, OPERATOR, tenant.company.id, user.id, {"is_active": False}, now=NOW
        )
        assert (changed.is_active, count) == (False, 0)


async def test_a_ticket_that_goes_to_somebody_else_meanwhile_stays_there(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        agent, other = await new_person(tx, "Ben Ito"), await new_person(tx, "Mara Lind")
        taken, finished, kept = [await assigned(tx, tenant, agent) for _ in range(3)]
    async with database.transaction() as tx:
        await ticket_changes.assign(tx, OPERATOR, taken, id_of(other), now=NOW)
        await ticket_changes.move_ticket(tx, OPERATOR, finished, Status.REJECTED, reason="no", now=NOW)

        async def leave() -> int:
            async with database.transaction() as later_tx:
                return await change(later_tx, agent, {"is_active": False})

        async def is_waiting() -> bool:
            async with database.statement() as other_tx:
                waiting: bool = await other_tx.fetchval(
                    """select exists (select from pg_stat_activity
                                       where datname = current_database() and wait_event_type = 'Lock')"""
                )
                return waiting

        leaving = asyncio.create_task(leave())
        await eventually(is_waiting)
    assert await leaving == 1
    async with database.transaction() as tx:
        assert [await assignee(tx, number) for number in (taken, finished, kept)] == [id_of(other), id_of(agent), None]
