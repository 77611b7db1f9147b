"""A page has all notes of its tickets, and a bounded length."""

import re
from uuid import UUID

import httpx
import pytest

from clearline.platform.database.transactions import Database
from clearline.tickets.links.full_ticket_usecases import PAGE_TEXT_MAX
from clearline.tickets.note_domain import NOTES_MAX, TEXT_MAX
from tests.builders.console_connect import TICKETS, assert_fault, list_all, raise_ticket
from tests.builders.people import Tenant

LONGEST = chr(0x1F525) * TEXT_MAX
"""A text with the most bytes that a note can have."""


async def add_notes(database: Database, company_id: UUID, number: str, count: int, text: str) -> None:
    async with database.statement() as tx:
        await tx.write(
            """insert into note (company_id, ticket_number, text, visibility, source, channel, author, created_at)
               select $1, $2, $4, 'public', 'buyer', 'API', 'Ada', now() from generate_series(1, $3)""",
            company_id, int(number[3:]), count, text,
        )  # fmt: skip


@pytest.mark.parametrize("count", [79, 80, 81, 300, NOTES_MAX])
async def test_a_ticket_in_a_list_has_all_its_notes(
    client: httpx.AsyncClient, database: Database, fresh: Tenant, count: int
) -> None:
    number = (await raise_ticket(client, fresh))["id"]
    await raise_ticket(client, fresh)
    await add_notes(database, fresh.company.id, number, count, "still down")
    whole = (await client.get(f"{TICKETS}/{number}", headers=fresh.headers)).json()
    assert len(whole["notes"]) == 3 + count
    for size in (1, 50, 200):
        answer = await client.get(
            f"{TICKETS}?status=open&pageSize={size}&page={3 - min(size, 2)}", headers=fresh.headers
        )
        assert [ticket for ticket in answer.json() if ticket["id"] == number] == [whole]


async def test_a_page_that_would_be_too_long_is_refused_and_says_what_to_send(
    client: httpx.AsyncClient, database: Database, fresh: Tenant
) -> None:
    numbers = [(await raise_ticket(client, fresh))["id"] for _ in range(3)]
    for number in numbers:
        await add_notes(database, fresh.company.id, number, NOTES_MAX, LONGEST)
    refused = await client.get(f"{TICKETS}?status=open&pageSize=3", headers=fresh.headers)
    message = assert_fault(refused, 400)
    size = 3 * NOTES_MAX * TEXT_MAX * 4
    assert re.search(f"pageSize must be smaller here.* {size} bytes.* {PAGE_TEXT_MAX}", message)
    alone = await client.get(f"{TICKETS}?status=open&pageSize=1&page=2", headers=fresh.headers)
    assert alone.status_code == 200
    assert len(alone.json()[0]["notes"]) == 3 + NOTES_MAX


async def test_the_notes_of_merged_tickets_are_the_latest_and_counted(
    client: httpx.AsyncClient, database: Database, fresh: Tenant
) -> None:
    target, *merged = [(await raise_ticket(client, fresh))["id"] for _ in range(3)]
    for number in merged:
        await add_notes(database, fresh.company.id, number, NOTES_MAX, "still down")
        async with database.transaction() as tx:
            await tx.write(
                "insert into ticket_merge values ($1, $2, $3, 'held', now())",
                fresh.company.id, int(number[3:]), int(target[3:]),
            )  # fmt: skip
            await tx.write("update ticket set has_merged = true where number = $1", int(target[3:]))
    [listed] = [ticket for ticket in await list_all(client, fresh) if ticket["id"] == target]
    worklogs = [note for note in listed["notes"] if note["@type"] == "worklog"]
    assert len(worklogs) == NOTES_MAX
    assert {note["mergedFrom"] for note in worklogs} == {merged[-1]}
    assert listed == (await client.get(f"{TICKETS}/{target}", headers=fresh.headers)).json()
