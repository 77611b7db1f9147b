"""A server that stores attachments in a directory, and a ticket for them."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from clearline.platform.database.transactions import Database
from clearline.settings.settings import Settings
from clearline.tickets.domain import ticket_number
from tests.builders.application import serving
from tests.builders.attachments import MOST
from tests.builders.people import Tenant
from tests.builders.tickets import raised


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("desk")


@pytest.fixture(scope="module")
async def client(database_url: str, folder: Path) -> AsyncIterator[httpx.AsyncClient]:
    settings = Settings(database_url=database_url, data_dir=folder, attachment_max=MOST, rate_limit=0, access_log=False)
    async with serving(settings) as opened:
        yield opened


@pytest.fixture
async def number(database: Database, tenant: Tenant) -> int:
    async with database.transaction() as tx:
        return await raised(tx, tenant)


@pytest.fixture
def path(number: int) -> str:
    return f"/api/v1/tickets/{ticket_number(number)}/attachments"
