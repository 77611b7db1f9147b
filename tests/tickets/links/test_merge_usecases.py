import asyncio
from datetime import timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest

from clearline.errors import Forbidden, InvalidInput, MergedInto, NotFound, NotMergeable, ScopeMissing, TicketFinished
from clearline.identity import OPERATOR, Role
from clearline.limit_errors import TooManyLinks
from clearline.platform.database.transactions import Database, Tx
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets import note_usecases as notes
from clearline.tickets import store as ticket_store
from clearline.tickets import usecases as tickets
from clearline.tickets.domain import MERGE_DEPTH_MAX, Channel, Status, Waiting, ticket_number
from clearline.tickets.links import merge_usecases as merging
from clearline.tickets.links import usecases as links
from clearline.tickets.links import watcher_usecases as watchers
from clearline.tickets.links.domain import LINKS_MAX, LinkType
from clearline.tickets.note_domain import Source, Visibility
from clearline.tickets.progress.facts import StatusFacts
from clearline.tickets.reports import store as report_store
from clearline.tickets.status_domain import OPEN
from tests.builders.people import NOW, Tenant, new_person, new_tenant
from tests.builders.tickets import later_events, raised

LATER = NOW + timedelta(hours=1)


async def texts(tx: Tx, number: int) -> list[tuple[str, Source, str]]:
    details = await tickets.get_ticket_with_notes(tx, OPERATOR, number)
    return [(note.text, note.source, note.author) for note in details.notes]


async def note(tx: Tx, number: int, text: str, visibility: Visibility = Visibility.PUBLIC) -> int:
    added = await notes.add_note(tx, OPERATOR, number, text, channel=Channel.API, visibility=visibility, now=NOW)
    return added.notes[-1].number


async def merge(tx: Tx, number: int, into: int) -> None:
    await merging.merge_ticket(tx, OPERATOR, number, into, now=NOW)


async def watcher_ids(tx: Tx, number: int) -> set[UUID]:
    listed = await watchers.list_watchers(tx, OPERATOR, number, after=None, limit=100)
    return {watcher.user.id for watcher in listed}


@pytest.mark.parametrize("status", sorted(OPEN))
async def test_undoing_a_merge_restores_the_ticket(database: Database, status: Status) -> None:
    tenant = await new_tenant(database)
    async with database.transaction() as tx:
        source = await raised(tx, tenant, "Same fault", status=status)
        target = await raised(tx, tenant)
        before = (await tickets.get_ticket_with_notes(tx, OPERATOR, source)).ticket
        merged = await merging.merge_ticket(tx, OPERATOR, source, target, reason="same fibre", now=NOW)
        assert (merged.ticket.status, merged.merged_into) == (Status.CLOSED, target)
        assert await report_store.miscounted(tx) == []
        counts = await tickets.list_tickets_with_notes(tx, tenant.actor, is_open=True, page=1, page_size=1)
        assert counts.total == 1
        source_name, target_name = ticket_number(source), ticket_number(target)
        assert await texts(tx, source) == [
            (f"Merged into {target_name}: further replies belong there", Source.SYSTEM, "Clearline")
        ]
        assert await texts(tx, target) == [
            (f"{source_name} (Same fault) was merged into this ticket", Source.SYSTEM, "Clearline")
        ]
        with pytest.raises(TicketFinished):
            await note(tx, source, "too late")
        back = await merging.unmerge_ticket(tx, OPERATOR, source, reason="another fibre", now=LATER)
        assert await report_store.miscounted(tx) == []
        restored_fields = ("title", "status", "priority", "resolved_at", "created_at")
        assert [getattr(back.ticket, name) for name in restored_fields] == [
            getattr(before, name) for name in restored_fields
        ]
        assert back.merged_into is None
        assert back.ticket.status_changed_at == LATER
        assert (await texts(tx, source))[-1][0] == f"No longer merged into {target_name}"
        assert (await texts(tx, target))[-1][0] == f"{source_name} (Same fault) is no longer merged into this ticket"


async def test_undoing_a_merge_restores_the_sub_status_and_why_the_ticket_waited(
    database: Database, tenant: Tenant
) -> None:
    async with database.transaction() as tx:
        source, target = await raised(tx, tenant), await raised(tx, tenant)
        facts = StatusFacts("with_carrier", Waiting("third_party", "The carrier splices"), None)
        await ticket_changes.move_ticket(tx, OPERATOR, source, Status.IN_PROGRESS, reason="", now=NOW)
        await ticket_changes.move_ticket(tx, OPERATOR, source, Status.HELD, reason="", facts=facts, now=NOW)
        before = (await tickets.get_ticket(tx, OPERATOR, source)).ticket
        merged = await merging.merge_ticket(tx, OPERATOR, source, target, now=NOW)
        assert (merged.ticket.sub_status, merged.ticket.waiting) == (None, None)
        back = await merging.unmerge_ticket(tx, OPERATOR, source, now=LATER)
        assert back.ticket.status is Status.HELD
        assert (back.ticket.sub_status, back.ticket.waiting) == (before.sub_status, before.waiting)
        moved = [event for event in await tickets.history(tx, OPERATOR, source, limit=50) if "status" in event.type][-1]
        assert moved.data["sub_status"] == before.sub_status
        assert moved.data["waiting"] == {"reason": "third_party", "text": "The carrier splices"}


async def test_a_merge_and_its_undo_store_events_on_both_tickets(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        source, target = await raised(tx, tenant), await raised(tx, tenant)
        await merging.merge_ticket(tx, OPERATOR, source, target, reason="same fibre", now=NOW)
        await merging.unmerge_ticket(tx, OPERATOR, source, reason="another", now=NOW)
        source_name, target_name = ticket_number(source), ticket_number(target)
        noted = ("note.added", {"visibility": "public", "source": "system"})

        def moved(before: str, after: str, reason: str) -> tuple[str, dict[str, Any]]:
            return "ticket.status_changed", {"before": before, "after": after, "reason": reason}

        assert await later_events(tx, source) == [
            moved("acknowledged", "closed", "same fibre"),
            ("ticket.merged", {"into": target_name}),
            noted,
            moved("closed", "acknowledged", "another"),
            ("ticket.unmerged", {"into": target_name}),
            noted,
        ]
        changes = [{"field": "merged_tickets", "before": None, "after": source_name}]
        undone = [{"field": "merged_tickets", "before": source_name, "after": None}]
        assert await later_events(tx, target) == [
            ("ticket.changed", {"changes": changes}),
            noted,
            ("ticket.changed", {"changes": undone}),
            noted,
        ]


@pytest.mark.parametrize("status", sorted(Status))
async def test_only_an_open_or_resolved_ticket_is_merged(database: Database, tenant: Tenant, status: Status) -> None:
    async with database.transaction() as tx:
        source, target = await raised(tx, tenant, status=status), await raised(tx, tenant)
        if status in OPEN:
            await merge(tx, source, target)
            return
        with pytest.raises(NotMergeable, match=f"is {status}"):
            await merge(tx, source, target)


@pytest.mark.parametrize("status", sorted(Status))
async def test_only_an_unresolved_open_ticket_accepts_a_merge(
    database: Database, tenant: Tenant, status: Status
) -> None:
    async with database.transaction() as tx:
        source, target = await raised(tx, tenant), await raised(tx, tenant, status=status)
        if status in OPEN - {Status.RESOLVED}:
            await merge(tx, source, target)
            return
        with pytest.raises(NotMergeable, match=f"is {status}"):
            await merge(tx, source, target)


async def test_a_merge_needs_two_tickets_of_one_company_that_are_not_merged(
    database: Database, tenant: Tenant, other_tenant: Tenant
) -> None:
    async with database.transaction() as tx:
        first, second, third = [await raised(tx, tenant) for _ in range(3)]
        foreign = await raised(tx, other_tenant)
        for source, target, message in (
            (first, first, "itself"),
            (first, foreign, "same company"),
            (foreign, first, "same company"),
        ):
            with pytest.raises(NotMergeable, match=message):
                await merge(tx, source, target)
        await merge(tx, first, second)
        for source, target in ((first, third), (third, first)):
            with pytest.raises(NotMergeable, match=f"was merged into {ticket_number(second)} already"):
                await merge(tx, source, target)
        with pytest.raises(NotMergeable, match="is not merged"):
            await merging.unmerge_ticket(tx, OPERATOR, second, now=NOW)
        with pytest.raises(NotFound):
            await merge(tx, second, 999_999_999)
        with pytest.raises(InvalidInput, match="reason"):
            await merging.merge_ticket(tx, OPERATOR, second, third, reason="x" * 1001, now=NOW)


async def test_the_refusal_of_a_note_on_a_merged_ticket_names_the_target(database: Database, tenant: Tenant) -> None:
    async def named_target(number: int) -> str:
        with pytest.raises(MergedInto) as refused:
            await notes.add_note(tx, tenant.actor, number, "still down", channel=Channel.API, now=NOW)
        return refused.value.into

    async with database.transaction() as tx:
        first, second, third = [await raised(tx, tenant) for _ in range(3)]
        await merge(tx, first, second)
        await merge(tx, second, third)
        assert [await named_target(number) for number in (first, second)] == [ticket_number(third)] * 2
        await merging.unmerge_ticket(tx, OPERATOR, second, now=NOW)
        assert await named_target(first) == ticket_number(second)
        await notes.add_note(tx, tenant.actor, second, "still down", channel=Channel.API, now=NOW)


async def test_a_chain_has_at_most_20_merges(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        chain = [await raised(tx, tenant) for _ in range(MERGE_DEPTH_MAX + 2)]
        for source, target in pairwise(chain[:-1]):
            await merge(tx, source, target)
        assert await ticket_store.merge_target(tx, tenant.company.id, chain[0]) == chain[MERGE_DEPTH_MAX]
        with pytest.raises(NotMergeable, match="at most 20"):
            await merge(tx, chain[MERGE_DEPTH_MAX], chain[-1])
        await merge(tx, chain[-1], chain[MERGE_DEPTH_MAX])
        merged_notes = await merging.notes_with_merged(tx, tenant.actor, chain[MERGE_DEPTH_MAX], limit=100)
        assert {merged.ticket_number for merged in merged_notes} == set(chain)


async def test_the_notes_of_merged_tickets_are_one_list(
    database: Database, tenant: Tenant, other_tenant: Tenant
) -> None:
    async with database.transaction() as tx:
        first, second, third, apart = [await raised(tx, tenant) for _ in range(4)]
        for number, text in ((first, "1"), (third, "2"), (second, "3"), (apart, "not this"), (first, "4")):
            await note(tx, number, text)
        await note(tx, first, "for us", Visibility.INTERNAL)
        await merge(tx, first, second)
        await merge(tx, second, third)

        async def read(actor: Any, after: int | None = None, limit: int = 100) -> list[tuple[int, str]]:
            merged_notes = await merging.notes_with_merged(tx, actor, third, after=after, limit=limit)
            assert merged_notes == sorted(merged_notes, key=lambda each: each.note.number)
            return [
                (each.ticket_number, each.note.text) for each in merged_notes if each.note.source is not Source.SYSTEM
            ]

        expected = [(first, "1"), (third, "2"), (second, "3"), (first, "4")]
        assert await read(tenant.actor) == expected
        assert await read(OPERATOR) == [*expected, (first, "for us")]
        page = await merging.notes_with_merged(tx, tenant.actor, third, limit=2)
        assert [each.note.text for each in page] == ["1", "2"]
        next_page = await merging.notes_with_merged(tx, tenant.actor, third, after=page[-1].note.number, limit=2)
        assert [each.note.text for each in next_page] == ["3", "4"]
        with pytest.raises(NotFound):
            await merging.notes_with_merged(tx, other_tenant.actor, third, limit=2)


async def test_the_watchers_of_the_merged_ticket_watch_the_target_too(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        source, target = await raised(tx, tenant), await raised(tx, tenant)
        agent = await new_person(tx, role=Role.AGENT)
        assert agent.user is not None
        for number, user_id in ((source, agent.user.id), (source, tenant.user.id), (target, tenant.user.id)):
            await watchers.watch(tx, OPERATOR, number, user_id, now=NOW)
        await merge(tx, source, target)
        assert await watcher_ids(tx, source) == await watcher_ids(tx, target) == {agent.user.id, tenant.user.id}
        added = [data for kind, data in await later_events(tx, target) if kind == "ticket.watched"]
        assert added == [
            {"user_id": str(tenant.user.id), "watches": True},
            {"user_id": str(agent.user.id), "watches": True},
        ]


async def test_only_agents_and_admins_merge_undo_and_split(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        source, target = await raised(tx, tenant), await raised(tx, tenant)
        viewer = await new_person(tx, role=Role.VIEWER)
        for actor, refusal in ((tenant.actor, Forbidden), (viewer, ScopeMissing)):
            for work in (
                merging.merge_ticket(tx, actor, source, target, now=NOW),
                merging.unmerge_ticket(tx, actor, source, now=NOW),
                merging.split_ticket(tx, actor, source, title="T", description="D", channel=Channel.API, now=NOW),
            ):
                with pytest.raises(refusal):
                    await work


async def test_concurrent_merges_and_undos_leave_correct_counts(database: Database) -> None:
    tenant = await new_tenant(database)
    async with database.transaction() as tx:
        numbers = [await raised(tx, tenant) for _ in range(4)]

    async def attempt(source: int, target: int, *, undo: bool) -> None:
        async with database.transaction() as tx:
            if undo:
                await merging.unmerge_ticket(tx, OPERATOR, source, now=NOW)
            else:
                await merge(tx, source, target)

    pairs = [(source, target) for source in numbers for target in numbers if source != target]
    outcomes: list[BaseException | None] = []
    for undo in (False, True, False):
        work = (attempt(source, target, undo=undo) for source, target in pairs)
        outcomes += await asyncio.gather(*work, return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {type(None), NotMergeable}
    async with database.transaction() as tx:
        assert await report_store.miscounted(tx) == []
        merged = await tx.fetchval("select count(*) from ticket_merge where company_id = $1", tenant.company.id)
        closed = await tx.fetchval(
            "select count(*) from ticket where company_id = $1 and status = 'closed'", tenant.company.id
        )
    assert merged == closed == 3


async def test_a_split_creates_a_linked_ticket_with_copies_of_chosen_notes(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        agent = await new_person(tx, role=Role.AGENT)
        number = await raised(tx, tenant, "Two faults", status=Status.IN_PROGRESS)
        internal_note = await note(tx, number, "internal word", Visibility.INTERNAL)
        await note(tx, number, "stays here")
        noted = await notes.add_note(tx, tenant.actor, number, "and B is down", channel=Channel.EMAIL, now=NOW)
        chosen = (noted.notes[-1].number, internal_note)
        created = await merging.split_ticket(
            tx, agent, number, title="B is down", description="Since noon", notes=chosen, channel=Channel.CONSOLE,
            now=LATER,
        )  # fmt: skip
        original = await tickets.get_ticket_with_notes(tx, OPERATOR, number)
        new = await tickets.get_ticket_with_notes(tx, OPERATOR, created.ticket.number)
        same = ("company_id", "service_id", "service_type", "issue_type", "contact")
        assert [getattr(new.ticket, name) for name in same] == [getattr(original.ticket, name) for name in same]
        assert (new.ticket.title, new.ticket.status) == ("B is down", Status.ACKNOWLEDGED)
        assert new.ticket.created_at == LATER
        by = await tx.fetchval("select created_by from ticket where number = $1", created.ticket.number)
        assert agent.user is not None
        assert by == agent.user.id
        original_name, new_name = ticket_number(number), ticket_number(created.ticket.number)
        assert [(copy.text, copy.visibility, copy.source, copy.author, copy.created_at) for copy in new.notes] == [
            ("internal word", Visibility.INTERNAL, Source.SELLER, "operator", NOW),
            ("and B is down", Visibility.PUBLIC, Source.BUYER, "Ada Okoro", NOW),
            (f"Split off from {original_name} (Two faults)", Visibility.PUBLIC, Source.SYSTEM, "Clearline", LATER),
        ]
        assert min(copy.number for copy in new.notes) > max(note.number for note in original.notes[:3])
        assert len(original.notes) == 4
        assert original.notes[-1].text == f"{new_name} (B is down) was split off from this ticket"
        shown = await links.list_links(tx, tenant.actor, number, after=None, limit=10)
        assert [(linked.link.type, linked.link.other_number) for linked in shown] == [
            (LinkType.SPLIT_INTO, created.ticket.number)
        ]
        writer = await tx.fetchval(
            "select created_by from note where ticket_number = $1 and source = 'buyer'", created.ticket.number
        )
        assert writer == tenant.user.id
        assert await report_store.miscounted(tx) == []


async def test_the_refusal_of_a_split_names_the_invalid_field(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        number, other = await raised(tx, tenant), await raised(tx, tenant)
        foreign = await note(tx, other, "of another ticket")

        async def split(of: int, title: str = "T", notes: tuple[int, ...] = ()) -> None:
            await merging.split_ticket(
                tx, OPERATOR, of, title=title, description="D", notes=notes, channel=Channel.API, now=NOW
            )

        with pytest.raises(InvalidInput, match="notes"):
            await split(number, notes=(foreign,))
        with pytest.raises(InvalidInput, match="at most 200"):
            await split(number, notes=tuple(range(201)))
        with pytest.raises(InvalidInput, match="title"):
            await split(number, title="")
        with pytest.raises(NotFound):
            await split(999_999_999)
        await ticket_changes.move_ticket(tx, OPERATOR, number, Status.REJECTED, reason="", now=NOW)
        with pytest.raises(TicketFinished):
            await split(number)
        await tx.write(
            """insert into ticket_link
               select company_id, number, gen_random_uuid(), 'related', company_id, 900000000 + n, created_at
                 from ticket, generate_series(1, $2::integer) n where number = $1""",
            other,
            LINKS_MAX,
        )
        with pytest.raises(TooManyLinks):
            await split(other)
