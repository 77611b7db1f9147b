"""How much room attachments may take: of a company, and on the disk."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from clearline.identity import Role
from clearline.platform.database.transactions import Database
from clearline.settings.settings import Settings
from clearline.tickets.domain import ticket_number
from tests.builders.application import serving
from tests.builders.attachments import attach, stored_files
from tests.builders.house import problem
from tests.builders.people import Tenant, new_tenant, staff_key
from tests.builders.tickets import raised

FULL = "the attachments of your company may have 1000 bytes in all: delete some first"


async def path_of(database: Database, tenant: Tenant) -> str:
    async with database.transaction() as tx:
        return f"/api/v1/tickets/{ticket_number(await raised(tx, tenant))}/attachments"


async def in_chunks(content: bytes) -> AsyncIterator[bytes]:
    yield content


async def unread() -> AsyncIterator[bytes]:
    yield pytest.fail("the file was read")


async def test_the_files_of_a_company_have_a_limited_size_and_staff_can_attach_more(
    database_url: str, database: Database, tmp_path: Path
) -> None:
    tenant, other = await new_tenant(database), await new_tenant(database)
    agent = await staff_key(database, Role.AGENT)
    paths = [await path_of(database, tenant) for _ in range(2)]
    settings = Settings(
        database_url=database_url, data_dir=tmp_path, company_attachments_max=1000, workers=False, access_log=False
    )
    async with serving(settings) as client:
        first = await attach(client, paths[0], tenant.headers, b"x" * 600, "text/plain")
        assert first.status_code == 201
        for path in paths:
            for content in (b"x" * 401, in_chunks(b"x" * 401)):
                refused = await attach(client, path, tenant.headers, content, "text/plain")
                body = problem(refused, "attachments-full")
                assert (body["status"], body["detail"]) == (413, FULL)
        assert len(stored_files(tmp_path)) == 1
        assert (await attach(client, paths[1], tenant.headers, b"x" * 400, "text/plain")).status_code == 201
        problem(await attach(client, paths[1], tenant.headers, unread(), "text/plain"), "attachments-full")
        assert (await attach(client, paths[1], agent, b"x" * 400, "text/plain")).status_code == 201
        elsewhere = await attach(client, await path_of(database, other), other.headers, b"x" * 900, "text/plain")
        assert elsewhere.status_code == 201
        location = first.headers["location"]
        deleted = await client.delete(location, headers={**tenant.headers, "If-Match": "*"})
        assert deleted.status_code == 204
        problem(await attach(client, paths[1], tenant.headers, b"x" * 201, "text/plain"), "attachments-full")
        assert (await attach(client, paths[1], tenant.headers, b"x" * 200, "text/plain")).status_code == 201


async def test_files_that_arrive_together_are_not_more_than_the_limit(
    database_url: str, database: Database, tmp_path: Path
) -> None:
    tenant = await new_tenant(database)
    paths = [await path_of(database, tenant) for _ in range(6)]
    settings = Settings(
        database_url=database_url, data_dir=tmp_path, company_attachments_max=1000, workers=False, access_log=False
    )
    async with serving(settings) as client:
        answers = await asyncio.gather(
            *(attach(client, path, tenant.headers, in_chunks(b"x" * 300), "text/plain") for path in paths)
        )
    assert sorted(answer.status_code for answer in answers) == [201] * 3 + [413] * 3
    assert len(stored_files(tmp_path)) == 3


async def test_a_disk_without_room_refuses_files_and_accepts_them_again(
    database_url: str, tenant: Tenant, database: Database, tmp_path: Path
) -> None:
    path = await path_of(database, tenant)
    settings = Settings(
        database_url=database_url, data_dir=tmp_path, disk_floor=1024**5, workers=False, access_log=False
    )
    async with serving(settings) as client:
        refused = await attach(client, path, tenant.headers, b"x" * 100, "text/plain")
        body = problem(refused, "insufficient-storage")
        assert (body["status"], refused.headers["retry-after"]) == (507, "60")
        assert stored_files(tmp_path) == []
        assert str(tmp_path) not in refused.text
    async with serving(Settings(database_url=database_url, data_dir=tmp_path, access_log=False)) as client:
        assert (await attach(client, path, tenant.headers, b"x" * 100, "text/plain")).status_code == 201
