"""An index of an older format is reported and rebuilt, and no change of the format goes unnoticed."""

import json
import re
from hashlib import sha256
from pathlib import Path
from uuid import UUID

import pytest

from clearline.fields.domain import Field, FieldType, RecordKind
from clearline.health import usecases as health
from clearline.identity import OPERATOR
from clearline.platform.database.transactions import Database
from clearline.search import format_store, index_store, index_usecases
from clearline.search import worker as indexing
from clearline.search.document import FORMAT, Document, vector
from clearline.search.index_usecases import IndexTooNew
from clearline.search.worker import AT_ONCE
from clearline.settings.settings import Settings
from clearline.tickets.contact import ContactRole, People, Person, PersonKind
from tests.builders.people import Tenant
from tests.builders.search.index import a_document, follow, numbers_found
from tests.builders.tickets import raised

HERE = Path(__file__).parent
TERMS = HERE / f"terms_of_format_{FORMAT}.txt"

_TEXTS = json.loads((HERE / "indexed_texts.json").read_text("utf-8"))
PEOPLE = People(
    (Person(PersonKind.CONTACT, "nia.roy@birch.example.com", "Nia Roy", "+1-555-0142", (ContactRole.TECHNICAL,)),),
    (Person(PersonKind.CC, "noc@vendor.example.org"),),
    (Person(PersonKind.SUGGESTED, "unknown@vendor.example.org"),),
)
FIELDS = {
    key: Field(UUID(int=place), RecordKind.TICKET, key, key, kind)
    for place, (key, kind) in enumerate(
        {"po": FieldType.TEXT, "latency": FieldType.DECIMAL, "parts": FieldType.CHOICES, "due": FieldType.DATE}.items()
    )
}
VALUES = {"po": "PO 4711", "latency": 20.5, "parts": ["optics", "fibre"], "due": "2026-01-31"}
DOCUMENT = a_document(**_TEXTS | {"tags": tuple(_TEXTS["tags"])}, watchers=[UUID(int=9)], people=PEOPLE, fields=VALUES)
LONG = a_document(
    description=" ".join(f"w{n}x" for n in range(9_000)),
    public_notes=[f"public {n} " * 400 for n in range(60)],
    internal_notes=["only this " * 30_000],
)


def terms_of(document: Document) -> list[str]:
    """Return the terms of a ticket, with their positions and weights, sorted."""
    return sorted(re.findall(r"'(?:[^']|'')*'(?::[0-9A-D,]+)?", vector(document, FIELDS)))


def terms() -> str:
    """Return the terms of a ticket, one a line, and a checksum of those of a ticket that exceeds every limit."""
    checksum = sha256("\n".join(terms_of(LONG)).encode()).hexdigest()
    return "\n".join([*terms_of(DOCUMENT), f"{checksum} the long ticket", ""])


def test_the_terms_of_a_text_change_only_with_the_format() -> None:
    """When this fails, raise ``FORMAT`` in search/document.py, and store the terms under the new number.

    Without that, tickets that are indexed already are no longer found, and nobody knows why.
    """
    assert TERMS.exists(), f"store the terms of format {FORMAT} in {TERMS.name}, and delete those of the format before"
    assert terms() == TERMS.read_text("utf-8")


async def set_format(database: Database, index_format: int) -> None:
    async with database.transaction() as tx:
        await format_store.save(tx, index_format)


async def break_entries(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        await tx.write("update ticket_search set vector = '''broken'':1A' where company_id = $1", tenant.company.id)


async def stored(database: Database) -> format_store.IndexFormat:
    async with database.statement() as tx:
        return await format_store.get(tx)


async def test_a_new_desk_has_an_index_of_the_current_format(database: Database) -> None:
    """When this fails, add a migration that sets the new format where there is no ticket, as 0039 does."""
    assert await stored(database) == (FORMAT, None, None)


async def test_an_index_of_an_older_format_is_rebuilt_newest_first_while_searches_are_answered(
    database: Database, fresh: Tenant, capsys: pytest.CaptureFixture[str]
) -> None:
    async with database.transaction() as tx:
        numbers = [await raised(tx, fresh, "Euphonium") for _ in range(AT_ONCE + 5)]
    await follow(database)
    await set_format(database, FORMAT - 1)
    await break_entries(database, fresh)
    _consumer, _backlog, rebuild = indexing.jobs(database)
    capsys.readouterr()
    assert await rebuild.run() == AT_ONCE
    assert await numbers_found(database, "euphonium") == numbers[:4:-1]
    assert await stored(database) == (FORMAT - 1, FORMAT, numbers[5])
    assert "clearline search rebuild does it at once" in capsys.readouterr().out
    while await rebuild.run():
        pass
    assert await numbers_found(database, "euphonium") == numbers[::-1]
    assert await stored(database) == (FORMAT, None, None)
    assert await rebuild.run() == 0
    assert "the search index is rebuilt" in capsys.readouterr().out


async def test_an_index_of_the_same_format_is_left_alone(database: Database, fresh: Tenant) -> None:
    async with database.transaction() as tx:
        await raised(tx, fresh, "Flugelhorn")
    await follow(database)
    await break_entries(database, fresh)
    *_others, rebuild = indexing.jobs(database)
    assert await rebuild.run() == 0
    assert await numbers_found(database, "flugelhorn") == []


async def test_a_rebuild_to_a_format_in_between_starts_again(database: Database, fresh: Tenant) -> None:
    async with database.transaction() as tx:
        number = await raised(tx, fresh, "Sousaphone")
    await follow(database)
    await set_format(database, FORMAT - 2)
    async with database.transaction() as tx:
        await format_store.save_progress(tx, FORMAT - 1, number)
    await break_entries(database, fresh)
    *_others, rebuild = indexing.jobs(database)
    while await rebuild.run():
        pass
    assert await numbers_found(database, "sousaphone") == [number]


async def test_while_another_process_reads_events_the_rebuild_waits(database: Database, fresh: Tenant) -> None:
    async with database.transaction() as tx:
        await raised(tx, fresh)
    await follow(database)
    await set_format(database, FORMAT - 1)
    async with database.transaction() as other:
        await index_store.wait_for_consumer(other)
        *_others, rebuild = indexing.jobs(database)
        assert await rebuild.run() == 0
    assert (await stored(database)).format == FORMAT - 1
    while await rebuild.run():
        pass
    assert (await stored(database)).format == FORMAT


async def set_building(database: Database, index_format: int) -> None:
    async with database.transaction() as tx:
        await format_store.save_progress(tx, index_format, 1)


async def entry(database: Database, tenant: Tenant) -> str:
    async with database.statement() as tx:
        text: str = await tx.fetchval("select vector::text from ticket_search where company_id = $1", tenant.company.id)
    return text


@pytest.mark.parametrize("is_rebuilt", [True, False])
async def test_an_index_of_a_newer_format_is_left_to_newer_processes(
    database: Database, fresh: Tenant, *, is_rebuilt: bool
) -> None:
    """As while servers are upgraded one after the other: entries of the older format would stay in the newer index."""
    word = "Saxhorn" if is_rebuilt else "Cimbasso"
    async with database.transaction() as tx:
        number = await raised(tx, fresh, word)
    await follow(database)
    await break_entries(database, fresh)
    async with database.transaction() as tx:
        await index_usecases.reindex_company(tx, fresh.company.id)
        await raised(tx, fresh, "Serpent")
    if is_rebuilt:
        await set_format(database, FORMAT + 1)
    else:
        await set_building(database, FORMAT + 1)
    before = await stored(database)
    for job in indexing.jobs(database):
        assert await job.run() == 0
    assert await stored(database) == before
    assert "broken" in await entry(database, fresh)
    with pytest.raises(IndexTooNew, match="newer Clearline"):
        async with database.transaction() as tx:
            await index_usecases.start_rebuild(tx, OPERATOR, empty=False)
    checks = await health.check_database(database, Settings(), is_thorough=False)
    [check] = [check for check in checks if check.name == "search index"]
    assert (check.ok, check.detail) == (True, "of a newer version, whose workers keep it up to date")
    await set_format(database, FORMAT)
    await follow(database)
    while any([await job.run() for job in indexing.jobs(database)]):
        pass
    assert await numbers_found(database, word.lower()) == [number]


async def test_a_rebuild_by_command_keeps_older_processes_from_indexing(database: Database, fresh: Tenant) -> None:
    async with database.transaction() as tx:
        await raised(tx, fresh, "Ophicleide")
    await set_format(database, FORMAT - 1)
    async with database.transaction() as tx:
        start = await index_usecases.start_rebuild(tx, OPERATOR, empty=False)
    assert (await stored(database))[:2] == (FORMAT - 1, FORMAT)
    async with database.transaction() as tx:
        await index_usecases.finish_rebuild(tx, OPERATOR, start)
    assert await stored(database) == (FORMAT, None, None)
