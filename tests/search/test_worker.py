"""The index follows the changes of tickets in the background, and no request waits for it."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest

from clearline.companies import usecases as companies
from clearline.errors import Forbidden
from clearline.events import offset_store
from clearline.events import store as event_store
from clearline.events.consumer import BATCH_SIZE
from clearline.events.domain import RecordChanged
from clearline.events.store import START
from clearline.identity import OPERATOR, PROVIDER_ID
from clearline.platform.database.transactions import Database
from clearline.search import index_store, index_usecases
from clearline.search import usecases as search
from clearline.search import worker as indexing
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets import note_usecases as notes
from clearline.tickets.attachments import usecases as attachments
from clearline.tickets.domain import Channel, Status
from clearline.tickets.links import merge_usecases as merging
from clearline.tickets.note_domain import Visibility
from tests.builders.people import NOW, Tenant, new_tenant
from tests.builders.search.index import follow, numbers_found
from tests.builders.tickets import raised
from tests.patience import patient


async def vectors(database: Database) -> dict[int, tuple[str, str]]:
    async with database.transaction() as tx:
        rows = await tx.fetch("select number, vector::text, xmin::text from ticket_search")
    return {row[0]: (row[1], row[2]) for row in rows}


async def test_a_ticket_is_found_by_its_changes(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        number = await raised(tx, tenant, "Xylophone")
    assert await numbers_found(database, "xylophone") == []
    await follow(database)
    assert await numbers_found(database, "xylophone status:acknowledged") == [number]
    async with database.transaction() as tx:
        await notes.add_note(tx, OPERATOR, number, "marimba", channel=Channel.CONSOLE, now=NOW)
        await notes.add_note(
            tx, OPERATOR, number, "celesta", channel=Channel.CONSOLE, visibility=Visibility.INTERNAL, now=NOW
        )
        await ticket_changes.move_ticket(tx, OPERATOR, number, Status.HELD, reason="", now=NOW)
    await follow(database)
    assert await numbers_found(database, "xylophone status:acknowledged") == []
    assert await numbers_found(database, "xylophone marimba celesta status:held") == [number]


async def test_the_tests_wait_for_a_worker_that_has_the_events_and_for_open_transactions(
    database: Database, tenant: Tenant
) -> None:
    """Otherwise they ask before a server's worker has indexed the last ticket."""
    async with database.transaction() as older:
        await raised(older, tenant, "Sousaphone")
        async with database.transaction() as tx:
            number = await raised(tx, tenant, "Flugelhorn")
        following = asyncio.create_task(follow(database))
        async with database.transaction() as worker:
            assert await offset_store.lock(worker, index_usecases.CONSUMER) is not None
            await asyncio.wait({following}, timeout=patient(0.1))
            assert not following.done()
        await asyncio.wait({following}, timeout=patient(0.1))
        assert not following.done()
    await following
    assert await numbers_found(database, "flugelhorn") == [number]


async def test_only_changed_entries_are_written(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        first = await raised(tx, tenant)
        second = await raised(tx, tenant)
    await follow(database)
    before = await vectors(database)
    async with database.transaction() as tx:
        await notes.add_note(tx, OPERATOR, first, "a new word", channel=Channel.CONSOLE, now=NOW)
        await index_usecases.index_tickets(tx, [(tenant.company.id, second)])
    await follow(database)
    after = await vectors(database)
    assert after[first] != before[first]
    assert {**after, first: before[first]} == before


async def test_more_events_than_one_batch_are_all_consumed(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        numbers = [await raised(tx, tenant, "Timpani") for _ in range(BATCH_SIZE + 30)]
    [job, *_others] = indexing.jobs(database)
    assert await job.run() == BATCH_SIZE
    await follow(database)
    assert len(await numbers_found(database, "timpani")) == 200
    async with database.transaction() as tx:
        everything = await search.find_tickets(tx, OPERATOR, "timpani", limit=1000)
    assert sorted(view.ticket.number for view in everything.tickets) == numbers


async def test_only_one_of_two_processes_consumes_at_a_time(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        await raised(tx, tenant, "Glockenspiel")
    jobs = indexing.jobs(database)
    async with database.transaction() as tx:
        assert await offset_store.lock(tx, index_usecases.CONSUMER) is not None
        assert [await job.run() for job in jobs] == [0, 0, 0]
    await follow(database)
    assert await numbers_found(database, "glockenspiel")


async def test_an_interrupted_batch_is_repeated(
    database: Database, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with database.transaction() as tx:
        await raised(tx, tenant, "Vibraphone")

    async def fail(*_: object) -> None:
        raise RuntimeError

    [job, *_others] = indexing.jobs(database)
    with monkeypatch.context() as patched:
        patched.setattr(offset_store, "advance", fail)
        with pytest.raises(RuntimeError):
            await job.run()
    assert await numbers_found(database, "vibraphone") == []
    await follow(database)
    assert await numbers_found(database, "vibraphone")


async def test_the_tickets_of_a_renamed_company_are_indexed_again_in_batches(database: Database) -> None:
    tenant = await new_tenant(database, "Quince Networks")
    async with database.transaction() as tx:
        numbers = [await raised(tx, tenant) for _ in range(indexing.AT_ONCE + 5)]
    await follow(database)
    assert sorted(await numbers_found(database, "quince")) == numbers
    async with database.transaction() as tx:
        await companies.change_company(tx, OPERATOR, tenant.company.code, {"name": "Medlar Networks"}, now=NOW)
    [events_job, backlog_job, _rebuild] = indexing.jobs(database)
    while await events_job.run():
        pass
    assert sorted(await numbers_found(database, "quince")) == numbers
    assert await backlog_job.run() == indexing.AT_ONCE
    assert len(await numbers_found(database, "medlar")) == indexing.AT_ONCE
    await follow(database)
    assert sorted(await numbers_found(database, "medlar")) == numbers
    assert await numbers_found(database, "quince") == []
    async with database.transaction() as tx:
        assert await index_store.next_backlog(tx) is None


async def test_changes_of_other_records_are_ignored(database: Database) -> None:
    async with database.transaction() as tx:
        await event_store.append(
            tx, OPERATOR, PROVIDER_ID, RecordChanged("company", "changed", str(uuid4()), "Same", []), now=NOW
        )
        await event_store.append(
            tx, OPERATOR, PROVIDER_ID, RecordChanged("queue", "created", str(uuid4()), "Q"), now=NOW
        )
    await follow(database)
    async with database.transaction() as tx:
        assert await index_store.next_backlog(tx) is None


async def test_a_deleted_ticket_is_not_found(database: Database, tenant: Tenant) -> None:
    key = (tenant.company.id, 800_000_000)
    async with database.transaction() as tx:
        await index_store.save(tx, [key], ["'kalimba':1C '=is:open':1A"])
        assert (await search.find_tickets(tx, OPERATOR, "kalimba", limit=5)).tickets == []
        await index_usecases.index_tickets(tx, [key])
        assert (await search.find_tickets(tx, OPERATOR, "kalimba", limit=5)).count == 0


async def test_a_rebuild_of_an_empty_index_gives_the_same_results(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        await raised(tx, tenant, "Bassoon")
    await follow(database)
    before = {number: value for number, (value, _xmin) in (await vectors(database)).items()}
    async with database.transaction() as tx:
        await index_usecases.start_rebuild(tx, OPERATOR, empty=True)
    assert await vectors(database) == {}
    done = await rebuilt(database)
    after = {number: value for number, (value, _xmin) in (await vectors(database)).items()}
    assert after == before
    assert done == len(before)


async def rebuilt(database: Database) -> int:
    done, below = 0, None
    while True:
        async with database.transaction() as tx:
            count, below = await index_usecases.rebuild_batch(tx, OPERATOR, below=below, limit=50)
        done += count
        if below is None:
            return done


async def test_after_a_rebuild_the_consumer_reads_only_later_events(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        await tx.write("delete from consumer where name = 'search'")
    async with database.transaction() as tx:
        start = await index_usecases.start_rebuild(tx, OPERATOR, empty=False)
    assert await rebuilt(database) > 0
    async with database.transaction() as tx:
        await raised(tx, tenant, "Harpsichord")
    async with database.transaction() as tx:
        await index_usecases.finish_rebuild(tx, OPERATOR, start)
    [job, *_others] = indexing.jobs(database)
    assert await job.run() == 1
    assert await numbers_found(database, "harpsichord")
    async with database.transaction() as tx:
        await index_usecases.finish_rebuild(tx, OPERATOR, start)
    assert await job.run() == 0


async def test_orphaned_entries_are_removed_and_no_others(database: Database, tenant: Tenant) -> None:
    before = await vectors(database)
    async with database.transaction() as tx:
        await index_store.save(tx, [(tenant.company.id, 800_000_000 + n) for n in range(5)], ["'x':1C"] * 5)
        after: int | None = 0
        while after is not None:
            after = await index_usecases.remove_orphans(tx, OPERATOR, after=after, limit=100)
    assert await vectors(database) == before


async def test_only_a_desk_admin_may_rebuild(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        for work in (
            index_usecases.start_rebuild(tx, tenant.actor, empty=True),
            index_usecases.finish_rebuild(tx, tenant.actor, index_usecases.RebuildStart(0, START)),
            index_usecases.rebuild_batch(tx, tenant.actor, below=None, limit=1),
            index_usecases.remove_orphans(tx, tenant.actor, after=0, limit=1),
        ):
            with pytest.raises(Forbidden):
                await work


def many_words(start: int) -> str:
    """Return a text as long as a note may be, of words that no other ``start`` has."""
    return " ".join(f"{chr(0x4E00 + start * 41 % 20_000)}w{start * 700 + n:x}" for n in range(700))[:4000]


async def test_a_ticket_with_too_much_text_for_the_index_is_found_by_its_newest_note(
    database: Database, tenant: Tenant
) -> None:
    async with database.transaction() as tx:
        number = await raised(tx, tenant, "Huge")
        rows: list[tuple[object, ...]] = [
            (tenant.company.id, number, many_words(n), visibility, NOW + timedelta(seconds=n))
            for n in range(250)
            for visibility in ("public", "internal")
        ]
        await tx.write_many(
            """insert into note (company_id, ticket_number, text, visibility, source, channel, author, created_at)
               values ($1, $2, $3, $4, 'seller', 'Console', 'NOC', $5)""",
            rows,
        )
        await notes.add_note(tx, OPERATOR, number, "the ocarina at last", channel=Channel.CONSOLE, now=NOW)
    await follow(database)
    assert await numbers_found(database, "ocarina huge") == [number]


async def test_a_ticket_is_found_by_the_notes_and_files_of_what_was_merged_into_it(
    database: Database, tenant: Tenant
) -> None:
    async with database.transaction() as tx:
        target, middle, leaf = [await raised(tx, tenant) for _ in range(3)]
        await notes.add_note(tx, OPERATOR, leaf, "sackbut", channel=Channel.CONSOLE, now=NOW)
        await notes.add_note(
            tx, OPERATOR, leaf, "theremin", channel=Channel.CONSOLE, visibility=Visibility.INTERNAL, now=NOW
        )
        await tx.write(
            """insert into attachment (company_id, ticket_number, id, name, media_type, size, sha256, visibility,
                                       source, author, created_at)
               values ($1, $2, $3, 'didgeridoo.txt', 'text/plain', 1, $4, 'public', 'buyer', 'Ada', $5)""",
            tenant.company.id, leaf, uuid4(), b"x" * 32, NOW,
        )  # fmt: skip
        await merging.merge_ticket(tx, OPERATOR, leaf, middle, now=NOW)
        await merging.merge_ticket(tx, OPERATOR, middle, target, now=NOW)
    await follow(database)
    for word in ("sackbut", "theremin", "didgeridoo"):
        assert sorted(await numbers_found(database, word)) == [target, middle, leaf]
        assert await numbers_found(database, f"{word} status:acknowledged") == [target]
        async with database.transaction() as tx:
            hits = (await search.find_tickets(tx, tenant.actor, f"{word} status:acknowledged", limit=9)).tickets
        assert [hit.ticket.number for hit in hits] == ([] if word == "theremin" else [target])
    async with database.transaction() as tx:
        await merging.unmerge_ticket(tx, OPERATOR, middle, now=NOW)
    await follow(database)
    assert await numbers_found(database, "sackbut status:acknowledged") == [middle]


async def test_a_ticket_is_no_longer_found_by_what_left_a_ticket_merged_into_it(
    database: Database, tenant: Tenant
) -> None:
    file_id = uuid4()
    async with database.transaction() as tx:
        target, middle, leaf = [await raised(tx, tenant) for _ in range(3)]
        await notes.add_note(tx, OPERATOR, leaf, "crumhorn", channel=Channel.CONSOLE, now=NOW)
        await tx.write(
            """insert into attachment (company_id, ticket_number, id, name, media_type, size, sha256, visibility,
                                       source, author, created_at)
               values ($1, $2, $3, 'bombarde.txt', 'text/plain', 1, $4, 'public', 'buyer', 'Ada', $5)""",
            tenant.company.id, leaf, file_id, b"x" * 32, NOW,
        )  # fmt: skip
        await merging.merge_ticket(tx, OPERATOR, leaf, middle, now=NOW)
        await merging.merge_ticket(tx, OPERATOR, middle, target, now=NOW)
    await follow(database)
    assert sorted(await numbers_found(database, "bombarde")) == [target, middle, leaf]
    async with database.transaction() as tx:
        await attachments.remove_attachment(tx, OPERATOR, target, file_id, now=NOW)
    await follow(database)
    assert await numbers_found(database, "bombarde") == []
    assert sorted(await numbers_found(database, "crumhorn")) == [target, middle, leaf]
    async with database.transaction() as tx:
        await merging.unmerge_ticket(tx, OPERATOR, leaf, now=NOW)
    await follow(database)
    assert await numbers_found(database, "crumhorn") == [leaf]
