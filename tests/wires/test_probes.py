"""Whether a server says that it can serve."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import httpx
import pytest

from clearline.platform.database.server import accepts_writes
from clearline.platform.database.transactions import Tx
from clearline.settings.settings import Settings
from clearline.tickets.attachments.blob_backend import MARK
from clearline.wires import probes
from tests.builders.application import serving
from tests.builders.databases import administer_server, new_database
from tests.patience import patient


@pytest.fixture
async def own_url(postgres: str) -> AsyncIterator[str]:
    async with new_database(postgres) as url:
        yield url


async def until(client: httpx.AsyncClient, status: int) -> str:
    """Wait until /readyz has this status; return what it says."""
    async with asyncio.timeout(patient(20)):
        while (answer := await client.get("/readyz")).status_code != status:  # noqa: ASYNC110 - nothing signals it
            await asyncio.sleep(0.1)
    said: str = answer.json()["status"]
    return said


async def alter(postgres: str, url: str, change: str) -> None:
    """Change the database for new connections, and end the old ones."""
    name = url.partition("@/")[2].partition("?")[0]
    await administer_server(postgres, f"alter database {name} {change}")
    connection = await asyncpg.connect(postgres.replace("clearline@/clearline", "postgres@/postgres"))
    await connection.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = $1", name)
    await connection.close()


@pytest.mark.parametrize(
    ("change", "undo"),
    [
        ("set temp_file_limit = 0", "reset temp_file_limit"),  # no room, as far as a test can do it
        ("set default_transaction_read_only = on", "reset default_transaction_read_only"),
    ],
)
async def test_a_database_that_cannot_write_is_not_ready_and_is_again_by_itself(
    postgres: str, own_url: str, monkeypatch: pytest.MonkeyPatch, change: str, undo: str
) -> None:
    monkeypatch.setattr(probes, "WRITE_SECONDS", 0.1)
    async with serving(Settings(database_url=own_url, workers=False, access_log=False)) as client:
        assert await until(client, 200) == "ready"
        await alter(postgres, own_url, change)
        async with asyncio.timeout(patient(20)):
            while await until(client, 503) != "database cannot write":  # noqa: ASYNC110 - nothing signals it
                await asyncio.sleep(0.1)
        assert (await client.get("/healthz")).status_code == 200
        await alter(postgres, own_url, undo)
        assert await until(client, 200) == "ready"


async def test_a_database_that_can_write_is_not_asked_each_time(own_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = 0

    async def counted(tx: Tx) -> bool:
        nonlocal asked
        asked += 1
        return await accepts_writes(tx)

    monkeypatch.setattr(probes, "accepts_writes", counted)
    monkeypatch.setattr(probes, "WRITE_SECONDS", 600)
    async with serving(Settings(database_url=own_url, workers=False, access_log=False)) as client:
        for _ in range(5):
            assert (await client.get("/readyz")).json()["status"] == "ready"
    assert asked == 1


async def test_a_store_of_another_desk_is_named_and_requests_are_answered(
    own_url: str, postgres: str, tmp_path: Path
) -> None:
    async def detail(url: str) -> str:
        settings = Settings(database_url=url, data_dir=tmp_path, workers=False, access_log=False)
        async with serving(settings) as client, asyncio.timeout(patient(20)):
            while not (tmp_path / "attachments" / MARK).exists():  # noqa: ASYNC110 - nothing signals it
                await asyncio.sleep(0.05)
            await asyncio.sleep(patient(1.5) if url != own_url else 0)
            answer = await client.get("/readyz")
            assert (answer.status_code, answer.json()["status"]) == (200, "ready")
            return str(answer.json().get("detail", ""))

    assert await detail(own_url) == ""
    async with new_database(postgres) as other:
        said = await detail(other)
    assert said.startswith(f"{tmp_path}/attachments is not the store of attachments of this desk: it has the mark of")
