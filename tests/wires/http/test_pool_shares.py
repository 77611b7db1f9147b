"""Requests of one customer that wait in the database do not stop the requests of others."""

import asyncio

from clearline.identity import Role
from clearline.platform.database.transactions import Database
from clearline.settings.settings import Settings
from tests.builders.application import serving
from tests.builders.house import TICKETS, new_ticket
from tests.builders.people import new_tenant, staff_key
from tests.patience import patient, stretched


async def test_requests_that_wait_for_a_lock_leave_connections_to_others(database_url: str) -> None:
    database = await Database.open(database_url)
    greedy, modest = await new_tenant(database), await new_tenant(database)
    agent = await staff_key(database, Role.AGENT)
    settings = Settings(database_url=database_url, pool_size=4, workers=False, access_log=False)
    async with serving(settings) as client:
        number = (await new_ticket(client, greedy))["number"]
        path = f"{TICKETS}/{number}/notes"

        async def add_note(headers: dict[str, str]) -> int:
            return (await client.post(path, headers=headers, json={"text": "Still down"})).status_code

        async with asyncio.TaskGroup() as group, database.transaction() as tx:
            await tx.fetchval("select 1 from ticket where number = $1 for update", int(number[3:]))
            keyed = {**greedy.headers, "Idempotency-Key": "again"}
            waiting = [group.create_task(add_note(headers)) for headers in [greedy.headers] * 9 + [keyed]]
            _done, pending = await asyncio.wait(waiting, timeout=stretched(0.3))
            assert len(pending) == 10
            async with asyncio.timeout(patient(5)):
                for headers in (modest.headers, agent):
                    assert (await client.get(TICKETS, headers=headers)).status_code == 200
        assert [task.result() for task in waiting] == [201] * 10
    await database.close()
