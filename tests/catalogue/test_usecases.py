"""The catalogue in memory, against a real PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from clearline.accounts.key_ring import KeyRing
from clearline.catalogue import usecases as catalogue
from clearline.catalogue.published import IssueType, ServiceType
from clearline.platform.database.transactions import Database, Tx
from clearline.presence.presence_board import PresenceBoard
from clearline.schedule import ServerListener
from tests.patience import patient

NOW = datetime(2026, 3, 1, tzinfo=UTC)
_ADDED = """
    insert into service_type (id, key, name, position, console_connect, created_at)
    values ($1, $2, $2, 60, 'Connection (L2)', $3)"""

_ASSESSED = {
    "Circuit Down": ("extensive", "down", "critical"),
    "Circuit Flapping": ("significant", "intermittent", "high"),
    "Unstable": ("significant", "intermittent", "high"),
    "Circuit taking errors": ("moderate", "degraded", "medium"),
    "High Latency": ("moderate", "degraded", "medium"),
    "Packet Loss/Drops": ("moderate", "degraded", "medium"),
    "Slow Response": ("moderate", "degraded", "medium"),
}
"""The assessments of the published types of issues that are not a question."""


@pytest.fixture
async def listening(database: Database) -> AsyncIterator[Database]:
    """Yield a database whose process is notified of changes."""
    listener = ServerListener(database, KeyRing(database), PresenceBoard(), lambda: None)
    assert await listener.connect() == 1
    yield database
    await listener.close()


async def add(tx: Tx) -> str:
    key = f"Wavelength {uuid4()}"
    await tx.write(_ADDED, uuid4(), key, NOW)
    return key


async def keys(database: Database) -> set[str]:
    async with database.statement() as tx:
        return set((await catalogue.current_catalogue(tx)).service_types)


async def test_a_desk_begins_with_the_published_types(database: Database) -> None:
    async with database.statement() as tx:
        current = await catalogue.current_catalogue(tx)
    assert set(current.issue_types) == set(IssueType)
    assert set(current.service_types) >= set(ServiceType)
    assert [current.issue_word(kind) for kind in IssueType] == list(IssueType)
    assert [current.service_word(kind) for kind in ServiceType] == list(ServiceType)
    for kind in IssueType:
        assessment = current.assessment_of(kind)
        assessed = (assessment.severity, assessment.impact, assessment.priority)
        assert assessed == _ASSESSED.get(kind, ("minor", "degraded", "low"))
    down = current.issue_types[IssueType.CIRCUIT_DOWN]
    assert (down.name, down.name_for_customers(), down.name_for_customers("de")) == ("Circuit Down", "Down", "Ausfall")
    assert (down.help_in(), down.help_in("de")) == ("No traffic passes", "Es kommt kein Verkehr durch")


async def test_what_the_catalogue_does_not_have_is_shown_as_another_on_console_connect(database: Database) -> None:
    async with database.statement() as tx:
        current = await catalogue.current_catalogue(tx)
    assert current.issue_word("Deleted") is IssueType.OTHERS
    assert current.service_word("Deleted") is ServiceType.NON_CONSOLE


async def test_a_process_with_notifications_reads_the_catalogue_once(listening: Database) -> None:
    async with listening.statement() as tx:
        first = await catalogue.current_catalogue(tx)
    async with listening.share("a company").statement() as tx:
        assert await catalogue.current_catalogue(tx) is first


async def test_a_change_in_another_process_is_known_at_once(listening: Database, database_url: str) -> None:
    before = await keys(listening)
    other = await Database.open(database_url, size=1)
    async with other.transaction() as tx:
        added = await add(tx)
    await other.close()
    assert added not in before

    async def until_known() -> None:
        while added not in await keys(listening):  # noqa: ASYNC110 - the notification is no event of ours
            await asyncio.sleep(0.01)

    async with asyncio.timeout(patient(5)):
        await until_known()


async def test_without_notifications_each_transaction_reads_its_own(database: Database) -> None:
    async with database.transaction() as tx:
        first = await catalogue.current_catalogue(tx)
        assert await catalogue.current_catalogue(tx) is first
    async with database.transaction() as tx:
        added = await add(tx)
    assert added in await keys(database)
