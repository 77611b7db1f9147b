from uuid import UUID, uuid4

import pytest

from clearline.bulk import action_usecases as actions
from clearline.bulk import usecases as jobs
from clearline.bulk.domain import (
    Action,
    AddNote,
    Assign,
    BulkRequest,
    ChangeStatus,
    ChangeTags,
    ChangeValues,
    ItemOutcome,
    Job,
    JobState,
    UseMacro,
)
from clearline.catalogue.assessment import Priority, Severity
from clearline.errors import Forbidden, IllegalTransition, InvalidInput, NotFound, ScopeMissing, TicketFinished
from clearline.identity import OPERATOR, Actor, Role
from clearline.platform.database.transactions import Database, Tx
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets import store as ticket_store
from clearline.tickets import usecases as tickets
from clearline.tickets.domain import Channel, Status, ticket_number
from clearline.tickets.note_domain import Visibility
from clearline.workspace import macro_usecases as macros
from tests.builders.people import NOW, Tenant, id_of, new_person, new_tenant
from tests.builders.queues import new_queue
from tests.builders.tickets import raised


async def apply(tx: Tx, actor: Actor, number: int, action: Action) -> ItemOutcome:
    return await actions.apply_action(tx, actor, number, BulkRequest(action, Channel.API), now=NOW)


async def new_job(tx: Tx, actor: Actor, number: int, action: Action | None = None) -> Job:
    action = action or ChangeStatus(Status.CANCELLATION_REQUESTED)
    return await jobs.create_bulk_job(tx, actor, [ticket_number(number)], action, channel=Channel.API, now=NOW)


async def test_each_action_changes_a_ticket_once(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        agent = await new_person(tx)
        queue = (await new_queue(tx)).queue
        number = await raised(tx, tenant)
        actions: list[Action] = [
            ChangeStatus(Status.IN_PROGRESS, "begun"),
            Assign(id_of(agent)),
            ChangeValues(priority=Priority.CRITICAL, severity=Severity.MINOR, queue_id=queue.id),
            ChangeTags(add=("Cut", "north"), remove=("south",)),
            ChangeTags(remove=("north",)),
        ]
        for action in actions:
            outcomes = [await apply(tx, agent, number, action) for _ in range(2)]
            assert outcomes == [ItemOutcome.DONE, ItemOutcome.UNCHANGED]
        note = AddNote("We are on it", Visibility.INTERNAL)
        assert [await apply(tx, agent, number, note) for _ in range(2)] == [ItemOutcome.DONE] * 2
        view = await tickets.get_ticket(tx, OPERATOR, number)
        notes = (await tickets.get_ticket_with_notes(tx, OPERATOR, number)).notes
    assert (view.ticket.status, view.ticket.priority, view.ticket.severity) == (
        Status.IN_PROGRESS, Priority.CRITICAL, Severity.MINOR,
    )  # fmt: skip
    assert (view.ticket.queue_id, view.ticket.assignee_id, view.ticket.tags) == (
        queue.id, id_of(agent), ("cut",),
    )  # fmt: skip
    assert [
        (added_note.text, added_note.visibility, added_note.channel, added_note.author) for added_note in notes
    ] == [("We are on it", Visibility.INTERNAL, "API", "Ben Ito")] * 2


async def test_a_macro_writes_its_text_and_sets_its_values(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        agent = await new_person(tx)
        number = await raised(tx, tenant)
        values = {"name": f"Silent {number}", "priority": Priority.LOW, "add_tags": ("cut",)}
        silent = UseMacro((await macros.add_macro(tx, OPERATOR, values, now=NOW)).id)
        reply = {"name": f"Reply {number}", "text": "{{ticket.number}} is looked at", "status": Status.IN_PROGRESS}
        written = UseMacro((await macros.add_macro(tx, OPERATOR, reply, now=NOW)).id)
        assert [await apply(tx, agent, number, silent) for _ in range(2)] == [ItemOutcome.DONE, ItemOutcome.UNCHANGED]
        assert [await apply(tx, agent, number, written) for _ in range(2)] == [ItemOutcome.DONE] * 2
        found = await tickets.get_ticket_with_notes(tx, OPERATOR, number)
        with pytest.raises(InvalidInput, match=r"action\.macro must be the id of a macro"):
            await new_job(tx, agent, number, UseMacro(uuid4()))
    ticket = found.ticket
    assert (ticket.priority, ticket.tags, ticket.status) == (Priority.LOW, ("cut",), Status.IN_PROGRESS)
    assert [note.text for note in found.notes] == [f"{ticket_number(number)} is looked at"] * 2


async def test_values_that_are_not_set_stay_and_a_queue_can_be_removed(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        agent = await new_person(tx)
        queue = (await new_queue(tx)).queue
        number = await raised(tx, tenant)
        await ticket_changes.change_ticket(tx, agent, number, {"queue_id": queue.id}, now=NOW)
        before = await tickets.get_ticket(tx, agent, number)
        assert await apply(tx, agent, number, ChangeValues(priority=Priority.LOW)) is ItemOutcome.DONE
        assert (await tickets.get_ticket(tx, agent, number)).ticket.queue_id == queue.id
        assert await apply(tx, agent, number, ChangeValues(queue_id=None)) is ItemOutcome.DONE
        after = await tickets.get_ticket(tx, agent, number)
    assert (after.ticket.queue_id, after.ticket.priority) == (None, Priority.LOW)
    assert after.ticket.severity == before.ticket.severity


async def test_an_action_is_refused_with_the_error_of_the_use_case(
    database: Database, tenant: Tenant, other_tenant: Tenant
) -> None:
    async with database.transaction() as tx:
        agent = await new_person(tx)
        number = await raised(tx, tenant)
        foreign = await raised(tx, other_tenant)
        with pytest.raises(NotFound):
            await apply(tx, tenant.actor, foreign, AddNote("hello"))
        with pytest.raises(Forbidden):
            await apply(tx, tenant.actor, number, ChangeStatus(Status.IN_PROGRESS))
        with pytest.raises(IllegalTransition):
            await apply(tx, agent, number, ChangeStatus(Status.REOPENED))
        with pytest.raises(InvalidInput):
            await apply(tx, agent, number, Assign(uuid4()))
        await ticket_changes.move_ticket(tx, agent, number, Status.REJECTED, reason="", now=NOW)
        for action in (AddNote("late"), ChangeTags(add=("late",)), Assign(id_of(agent))):
            with pytest.raises(TicketFinished):
                await apply(tx, agent, number, action)


@pytest.mark.parametrize(
    "action",
    [
        Assign(None),
        ChangeValues(priority=Priority.LOW),
        ChangeTags(add=("a",)),
        AddNote("x", Visibility.INTERNAL),
        UseMacro(UUID(int=1)),
    ],
)
async def test_a_customer_can_use_only_the_actions_of_customers(
    database: Database, tenant: Tenant, action: Action
) -> None:
    async with database.transaction() as tx:
        with pytest.raises(Forbidden):
            await new_job(tx, tenant.actor, 1, action)


async def test_a_viewer_and_a_read_only_key_create_no_jobs(database: Database) -> None:
    reader = await new_tenant(database, scopes=frozenset({"tickets:read"}))
    async with database.transaction() as tx:
        for actor in (reader.actor, await new_person(tx, role=Role.VIEWER)):
            with pytest.raises(ScopeMissing):
                await new_job(tx, actor, 1)


async def test_only_its_owner_and_desk_admins_see_a_job(
    database: Database, tenant: Tenant, other_tenant: Tenant
) -> None:
    async with database.transaction() as tx:
        agent, admin = await new_person(tx), await new_person(tx, role=Role.ADMIN)
        job = await new_job(tx, tenant.actor, 1)
        agents_job = await new_job(tx, agent, 1, Assign(None))
        for actor in (tenant.actor, admin, OPERATOR):
            assert await jobs.get_job(tx, actor, job.id) == job
            assert len(await jobs.list_items(tx, actor, job.id, outcome=None, after=None, limit=5)) == 1
        for actor, hidden in ((other_tenant.actor, job), (agent, job), (tenant.actor, agents_job)):
            with pytest.raises(NotFound):
                await jobs.get_job(tx, actor, hidden.id)
            with pytest.raises(NotFound):
                await jobs.list_items(tx, actor, hidden.id, outcome=None, after=None, limit=5)
            with pytest.raises(NotFound):
                await jobs.cancel_job(tx, actor, hidden.id, now=NOW)
        assert [listed_job.id for listed_job in await jobs.list_jobs(tx, agent, after=None, limit=5)] == [agents_job.id]
        listed = await jobs.list_jobs(tx, admin, after=None, limit=2)
    assert {listed_job.id for listed_job in listed} == {job.id, agents_job.id}


async def test_jobs_are_listed_newest_first_a_page_at_a_time(database: Database) -> None:
    tenant = await new_tenant(database)
    async with database.transaction() as tx:
        created = [await new_job(tx, tenant.actor, number) for number in range(5)]
        listed = []
        after = None
        while page := await jobs.list_jobs(tx, tenant.actor, after=after, limit=2):
            listed += [job.id for job in page]
            after = (page[-1].created_at, page[-1].id)
    assert listed == sorted((job.id for job in created), reverse=True)


async def test_cancelling_refuses_the_waiting_items(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        numbers = [ticket_number(await raised(tx, tenant)) for _ in range(3)]
        job = await jobs.create_bulk_job(tx, tenant.actor, numbers, AddNote("x"), channel=Channel.API, now=NOW)
        assert job.counts is not None
        assert (job.total, job.counts.waiting, job.state) == (3, 3, JobState.WAITING)
        cancelled = await jobs.cancel_job(tx, tenant.actor, job.id, now=NOW)
        again = await jobs.cancel_job(tx, tenant.actor, job.id, now=NOW)
        items = await jobs.list_items(tx, tenant.actor, job.id, outcome="refused", after=0, limit=5)
        kinds = await tx.fetch("select type, data ->> 'id' from event where type like 'job.%' order by id desc limit 2")
    assert cancelled == again
    assert cancelled.counts is not None
    assert (cancelled.state, cancelled.counts.refused, cancelled.finished_at) == (JobState.CANCELLED, 3, NOW)
    assert [(item.position, item.outcome, item.code) for item in items] == [
        (1, ItemOutcome.REFUSED, "cancelled"),
        (2, ItemOutcome.REFUSED, "cancelled"),
    ]
    assert [tuple(row) for row in kinds] == [("job.cancelled", str(job.id)), ("job.created", str(job.id))]


async def test_whether_a_ticket_exists_is_checked_when_its_item_is_processed(
    database: Database, tenant: Tenant
) -> None:
    async with database.transaction() as tx:
        job = await new_job(tx, tenant.actor, 999_999)
        assert await ticket_store.company_of(tx, 999_999) is None
        [item] = await jobs.list_items(tx, tenant.actor, job.id, outcome="waiting", after=None, limit=5)
    assert (item.ticket_number, item.outcome) == (999_999, None)
