"""The statements of every request use the indexes that were made for them."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from clearline.accounts import key_store
from clearline.catalogue.published import ServiceType
from clearline.inventory import store as service_store
from clearline.platform.database.transactions import Tx
from clearline.tickets import list_store, note_store
from clearline.tickets import store as ticket_store
from clearline.tickets.attachments import store as attachment_store
from clearline.tickets.chronic import store as chronic_store
from clearline.tickets.links import merge_store, merged_note_store, watcher_store
from clearline.tickets.links import store as link_store
from clearline.tickets.links.merged_note_store import NoteReader
from clearline.tickets.links.store import Reach
from clearline.tickets.list_store import Filter
from clearline.tickets.note_domain import Visibility
from clearline.tickets.progress import store as progress_store
from tests.builders.databases import BY_NUMBER, RecordingConnection, any_ticket, plan_of


@pytest.mark.parametrize("offset", [0, 40])
@pytest.mark.parametrize("is_open", [True, False])
async def test_a_page_uses_its_index_and_scans_no_whole_table(filled: Any, offset: int, *, is_open: bool) -> None:
    company, _number = await any_ticket(filled)
    used, scanned = await plan_of(filled, list_store.PAGE, company, is_open, 20, offset, [*Visibility], 200)
    assert used >= {"ticket_page", "note_pkey"}
    assert used & BY_NUMBER
    assert not scanned & {"ticket", "note"}


async def test_a_ticket_is_found_by_the_primary_keys(filled: Any) -> None:
    used, scanned = await plan_of(filled, ticket_store.GET, *await any_ticket(filled), [*Visibility])
    assert "note_pkey" in used
    assert used & BY_NUMBER
    assert scanned <= {"field"}  # a small table, read once where a ticket has values of own fields


async def test_the_services_of_a_company_are_found_by_an_index(filled: Any) -> None:
    recording = RecordingConnection()
    await service_store.of_company(Tx(recording), (await any_ticket(filled))[0])
    used, scanned = await plan_of(filled, recording.statement, *recording.values)
    assert used <= {"service_by_label", "service_pkey"}
    assert used
    assert not scanned


async def test_a_key_is_found_by_its_secret(filled: Any) -> None:
    recording = RecordingConnection()
    await key_store.actor_of(Tx(recording), b"x" * 32, now=datetime.now(UTC))
    used, scanned = await plan_of(filled, recording.statement, *recording.values)
    assert "api_key_by_secret" in used
    assert "api_key" not in scanned


async def test_the_operator_finds_a_ticket_by_its_number_alone(filled: Any) -> None:
    recording = RecordingConnection()
    await ticket_store.company_of(Tx(recording), 4321)
    used, scanned = await plan_of(filled, recording.statement, *recording.values)
    assert used == {"ticket_by_number"}
    assert not scanned


async def test_notes_by_others_are_found_by_their_keys(filled: Any) -> None:
    company, number = await any_ticket(filled)
    used, scanned = await plan_of(filled, note_store.BY_OTHERS, company, [number] * 20, [*range(20)], company)
    assert "note_pkey" in used
    assert not scanned & {"ticket", "note"}


async def test_closing_reads_no_whole_table(filled: Any) -> None:
    used, scanned = await plan_of(filled, progress_store.LOCK_RESOLVED, datetime.now(UTC), 100)
    assert "ticket_resolved" in used
    assert not scanned & {"ticket", "note"}
    company, number = await any_ticket(filled)
    used, scanned = await plan_of(filled, progress_store.LAST_ANSWERS, [company], [number])
    assert "note_pkey" in used
    assert not scanned & {"ticket", "note"}


async def test_the_tickets_of_a_service_are_counted_by_its_index(filled: Any) -> None:
    company, number = await any_ticket(filled)
    recording = RecordingConnection()
    now = datetime.now(UTC)
    await chronic_store.counted(
        Tx(recording), company, "SVC-1", ServiceType.PORT, up_to=number, since=now - timedelta(days=45), until=now
    )
    used, scanned = await plan_of(filled, recording.statement, *recording.values)
    assert used & {"ticket_by_service", *BY_NUMBER}
    assert "ticket" not in scanned


async def test_the_ticket_that_follows_is_found_by_an_index(filled: Any) -> None:
    company, number = await any_ticket(filled)
    await filled.execute(
        """insert into ticket_link (company_id, ticket_number, id, type, other_company_id, other_number, created_at)
           select t.company_id, t.number, gen_random_uuid(), 'related', t.company_id, other, now()
             from (select company_id, number from ticket limit 1000) t, generate_series(1, 20) other;
           analyze ticket_link"""
    )
    used, scanned = await plan_of(filled, link_store.LATEST_FOLLOW_UP, company, number)
    assert used == {"ticket_link_once"}
    assert not scanned


OF_LINKS = {"ticket_link_pkey", "ticket_link_once"}
"""Two indexes that begin with the ticket: the links of one are sorted by time."""

OF_MANY: dict[str, tuple[set[str], Callable[[Tx, list[tuple[UUID, int]]], Awaitable[object]]]] = {
    "notes": (
        {"note_pkey"},
        lambda tx, keys: merged_note_store.first_notes(
            tx, keys, reader=NoteReader([*Visibility], True, None), limit=11
        ),
    ),
    "attachments": (
        {"attachment_pkey"},
        lambda tx, keys: attachment_store.first_pages(tx, keys, [*Visibility], limit=11),
    ),
    "links": (OF_LINKS, lambda tx, keys: link_store.first_pages(tx, keys, only=None, limit=11)),
    "watchers": ({"ticket_watcher_pkey"}, lambda tx, keys: watcher_store.first_pages(tx, keys, only=None, limit=11)),
}


@pytest.fixture(scope="module")
async def parts(filled: Any) -> Any:
    """Return a connection to a database whose tickets have attachments, links and watchers, too."""
    await filled.execute(
        """insert into ticket_watcher select company_id, number, company_id, gen_random_uuid(), now() from ticket;
           insert into attachment (company_id, ticket_number, id, name, media_type, size, sha256, visibility, source,
                                   author, created_at)
           select company_id, number, gen_random_uuid(), 'a.txt', 'text/plain', 1, sha256('x'), 'public', 'seller',
                  'NOC', now() from ticket;
           insert into ticket_link (company_id, ticket_number, id, type, other_company_id, other_number, created_at)
           select t.company_id, t.number, gen_random_uuid(), 'parent_of', t.company_id, other, now()
             from (select company_id, number from ticket limit 1000) t, generate_series(1, 11) other;
           analyze ticket_watcher; analyze attachment; analyze ticket_link"""
    )
    return filled


@pytest.mark.parametrize("name", OF_MANY)
async def test_the_lists_of_many_tickets_are_one_statement_along_the_primary_key(parts: Any, name: str) -> None:
    indexes, read = OF_MANY[name]
    recording = RecordingConnection()
    await read(Tx(recording), [await any_ticket(parts)])
    used, scanned = await plan_of(parts, recording.statement, *recording.values)
    assert used & OF_LINKS if indexes is OF_LINKS else indexes <= used
    assert not scanned & {"note", "attachment", "ticket_link", "ticket_watcher"}


MERGED: dict[str, Callable[[Tx, UUID, int], Awaitable[object]]] = {
    "notes of merged tickets": lambda tx, company, number: merged_note_store.merged_notes(
        tx, company, [number], ["public"], limit=9
    ),
    "size of the notes": lambda tx, company, number: merged_note_store.notes_size(
        tx, company, [number], ["public"], limit=9
    ),
    "links": lambda tx, company, number: link_store.page(
        tx, company, number, only=Reach([company]), after=None, limit=9
    ),
    "link": lambda tx, company, number: link_store.get(tx, company, number, uuid4()),
    "files": lambda tx, company, number: attachment_store.page(tx, company, number, ["public"], after=None, limit=9),
    "file": lambda tx, company, number: attachment_store.get(tx, company, number, uuid4()),
}


@pytest.mark.parametrize("name", MERGED)
async def test_what_was_merged_into_a_ticket_is_found_by_indexes(filled: Any, name: str) -> None:
    company, number = await any_ticket(filled)
    await filled.execute(
        """insert into ticket_merge (company_id, ticket_number, into_number, status_before, merged_at)
           select * from (select company_id, number, lag(number) over company as target, 'held', now()
                            from ticket window company as (partition by company_id order by number)) merged
            where target % 3 = 0 on conflict do nothing;
           insert into ticket_link (company_id, ticket_number, id, type, other_company_id, other_number, created_at)
           select company_id, number, gen_random_uuid(), 'related', company_id, number - 40, now() from ticket
            where not exists (select from ticket_link where other_number = number - 40);
           insert into attachment (company_id, ticket_number, id, name, media_type, size, sha256, visibility, source,
                                   author, created_at)
           select company_id, number, gen_random_uuid(), 'a.txt', 'text/plain', 1, decode(repeat('00', 32), 'hex'),
                  'public', 'buyer', 'Ada', now() from ticket
            where not exists (select from attachment);
           analyze ticket_merge, ticket_link, attachment"""
    )
    recording = RecordingConnection()
    with suppress(TypeError):
        await MERGED[name](Tx(recording), company, number)
    used, scanned = await plan_of(filled, recording.statement, *recording.values)
    assert "ticket_merge_into" in used
    assert not scanned & {"ticket", "note", "ticket_link", "attachment", "ticket_merge"}


async def test_what_tickets_were_merged_into_is_found_by_the_primary_key(filled: Any) -> None:
    company, number = await any_ticket(filled)
    recording = RecordingConnection()
    await merge_store.targets(Tx(recording), [(company, number)])
    used, scanned = await plan_of(filled, recording.statement, *recording.values)
    assert used & {"ticket_merge_pkey", "ticket_merge_into"}
    assert not scanned & {"ticket_merge"}
    values = (*recording.values, datetime.now(UTC), True)
    used, scanned = await plan_of(filled, merge_store.TOUCH_TARGETS, *values)
    assert used & BY_NUMBER
    assert not scanned & {"ticket_merge", "ticket"}


async def test_tickets_are_found_by_the_index_of_numbers(filled: Any) -> None:
    recording = RecordingConnection()
    tx = Tx(recording)
    await list_store.numbered_as(lambda row: row, tx, [4321, 4322], None, for_staff=True)
    used, scanned = await plan_of(filled, recording.statement, *recording.values)
    assert used & BY_NUMBER
    assert "ticket" not in scanned
    await list_store.matching(tx, Filter(unassigned=True), [4321, 4322], for_staff=True)
    used, scanned = await plan_of(filled, recording.statement, *recording.values)
    assert used & BY_NUMBER
    assert "ticket" not in scanned
