"""Handovers keep what was open, for the provider's people."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from clearline.audit import usecases as audit
from clearline.catalogue.assessment import Priority
from clearline.errors import Forbidden, InvalidInput, NotFound, ScopeMissing
from clearline.handovers import store as handover_store
from clearline.handovers import usecases as handovers
from clearline.handovers.domain import GROUP_MAX, LONGEST_MAX, NOTE_MAX
from clearline.identity import OPERATOR, PROVIDER_ID, Actor, Role, Scope
from clearline.platform.database.transactions import Database, Tx
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets.domain import Status
from tests.builders.databases import STATISTICS, RecordingConnection, filled_with, generic_plan_of, new_database
from tests.builders.people import NOW, Tenant, id_of, new_person, new_tenant
from tests.builders.tickets import raised


@pytest.fixture
async def empty(postgres: str) -> AsyncIterator[Database]:
    async with new_database(postgres) as url:
        database = await Database.open(url)
        yield database
        await database.close()


async def test_a_handover_keeps_what_was_open_as_it_was(empty: Database) -> None:
    tenant = await new_tenant(empty)
    async with empty.transaction() as tx:
        agent = await new_person(tx)
        numbers = [await raised(tx, tenant, status=Status.HELD) for _ticket in range(2)]
        critical = await raised(tx, tenant, "Site is down")
        await raised(tx, tenant, status=Status.CLOSED)
        values = {"priority": Priority.CRITICAL, "assignee_id": id_of(agent)}
        await ticket_changes.change_ticket(tx, OPERATOR, critical, values, now=NOW)
        await tx.write("update ticket set updated_at = $2 where number = $1", numbers[1], NOW - timedelta(days=3))
        signed = await handovers.sign_off(tx, agent, "Watch Frankfurt", now=NOW)
    async with empty.transaction() as tx:
        await ticket_changes.change_ticket(tx, OPERATOR, critical, {"title": "Site is up"}, now=NOW)
        await ticket_changes.move_ticket(tx, OPERATOR, critical, Status.IN_PROGRESS, reason="", now=NOW)
        kept = await handovers.get_handover(tx, agent, signed.id)
    assert kept == signed
    assert (kept.at, kept.user_id, kept.user_name, kept.note) == (NOW, id_of(agent), "Ben Ito", "Watch Frankfurt")
    assert (kept.open_count, kept.open_is_exact) == (3, True)
    [line] = kept.work.critical.tickets
    assert (line.number, line.title, line.company) == (critical, "Site is down", tenant.company.name)
    assert (line.status, line.priority, line.assignee) == (Status.ACKNOWLEDGED, Priority.CRITICAL, "Ben Ito")
    assert [line.number for line in kept.work.held.tickets] == numbers
    assert [line.number for line in kept.work.longest.tickets] == [numbers[1], numbers[0], critical]
    assert not kept.work.held.has_more


async def test_of_very_many_tickets_the_first_are_kept(empty: Database) -> None:
    tenant = await new_tenant(empty)
    async with empty.transaction() as tx:
        agent = await new_person(tx)
        for _ticket in range(GROUP_MAX + 1):
            number = await raised(tx, tenant, status=Status.HELD)
            await ticket_changes.change_ticket(tx, OPERATOR, number, {"priority": Priority.CRITICAL}, now=NOW)
        work = (await handovers.sign_off(tx, agent, "", now=NOW)).work
    groups = (work.critical, work.held, work.longest)
    assert [(len(group.tickets), group.has_more) for group in groups] == [
        (GROUP_MAX, True), (GROUP_MAX, True), (LONGEST_MAX, True)
    ]  # fmt: skip


async def test_handovers_are_listed_newest_first_page_by_page(empty: Database) -> None:
    async with empty.transaction() as tx:
        agent = await new_person(tx)
        times = [NOW + timedelta(hours=at // 2) for at in range(7)]
        ids = [(await handovers.sign_off(tx, agent, f"{at}", now=time)).id for at, time in enumerate(times)]
        listed: list[Any] = []
        while page := await handovers.list_handovers(
            tx, agent, after=(listed[-1].at, listed[-1].id) if listed else None, limit=3
        ):
            listed += page
    assert [handover.at for handover in listed] == times[::-1]
    assert {handover.id for handover in listed} == set(ids)


async def test_a_handover_is_in_the_audit(database: Database) -> None:
    async with database.transaction() as tx:
        agent = await new_person(tx, "Ines Duarte")
        signed = await handovers.sign_off(tx, agent, "Not for the audit", now=NOW)
        [event, *_before] = await audit.list_events(tx, OPERATOR, kind="handover.created", limit=10)
    assert event.actor_name == "Ines Duarte"
    assert event.data == {"id": str(signed.id), "name": "2026-03-01 12:00", "changes": []}


@pytest.mark.parametrize("note", ["x" * (NOTE_MAX + 1), "\x00", "\ud800"])
async def test_a_note_that_cannot_be_kept_is_refused(database: Database, note: str) -> None:
    async with database.transaction() as tx:
        agent = await new_person(tx)
        with pytest.raises(InvalidInput):
            await handovers.sign_off(tx, agent, note, now=NOW)
        assert (await handovers.sign_off(tx, agent, "x" * NOTE_MAX, now=NOW)).note == "x" * NOTE_MAX


async def test_only_people_of_the_provider_who_work_tickets_sign_off(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        signed = await handovers.sign_off(tx, await new_person(tx), "", now=NOW)
        viewer = await new_person(tx, role=Role.VIEWER)
        without = await new_person(tx, scopes=frozenset({Scope.DESK_READ}))
        refusals: list[tuple[Actor, type[Exception]]] = [
            (tenant.actor, Forbidden), (viewer, ScopeMissing), (without, ScopeMissing), (OPERATOR, Forbidden)
        ]  # fmt: skip
        for actor, refusal in refusals:
            with pytest.raises(refusal):
                await handovers.sign_off(tx, actor, "", now=NOW)
        assert (await handovers.get_handover(tx, viewer, signed.id)).id == signed.id
        for actor in (tenant.actor, without):
            with pytest.raises(Forbidden):
                await handovers.get_handover(tx, actor, signed.id)
            with pytest.raises(Forbidden):
                await handovers.list_handovers(tx, actor, limit=1)
            with pytest.raises(Forbidden):
                await handovers.read_open_work(tx, actor)
        with pytest.raises(NotFound):
            await handovers.get_handover(tx, viewer, tenant.company.id)


@pytest.mark.parametrize("statistics", STATISTICS)
@pytest.mark.parametrize("is_first", [True, False])
async def test_a_page_of_handovers_walks_its_index(postgres: str, statistics: str, *, is_first: bool) -> None:
    fill = """insert into handover select md5(n::text)::uuid, now() - n * interval '8 hours', md5('u')::uuid, 'Ben', '',
              1, true, '{}' from generate_series(1, 3000) n"""
    recording = RecordingConnection()
    after = None if is_first else (NOW, PROVIDER_ID)
    await handover_store.page(Tx(recording), after=after, limit=11)
    async with filled_with(postgres, fill, statistics) as connection:
        plan = await generic_plan_of(connection, recording.statement)
    assert "using handover_by_time on" in plan, plan
    assert "Sort" not in plan
