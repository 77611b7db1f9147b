import httpx
import pytest

from clearline.errors import Forbidden, NotFound, ScopeMissing, TicketFinished
from clearline.identity import OPERATOR, Actor
from clearline.limit_errors import TooManyNotes
from clearline.platform.database.transactions import Database
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets import note_usecases as notes
from clearline.tickets import usecases as tickets
from clearline.tickets.domain import Channel, Status, ticket_number
from clearline.tickets.note_domain import Source, Visibility
from tests.builders.house import problem
from tests.builders.people import NOW, Tenant, new_tenant
from tests.builders.tickets import raised


async def test_a_customer_never_reads_an_internal_note(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        number = await raised(tx, tenant)
        for text, visibility in (("for all", Visibility.PUBLIC), ("for us", Visibility.INTERNAL)):
            await notes.add_note(tx, OPERATOR, number, text, channel=Channel.PHONE, visibility=visibility, now=NOW)
        added = await notes.add_note(tx, tenant.actor, number, "thanks", channel=Channel.API, now=NOW)
        read = await tickets.get_ticket_with_notes(tx, tenant.actor, number)
        listed = await tickets.list_tickets_with_notes(tx, tenant.actor, is_open=True, page=1, page_size=1)
        own = await tickets.get_ticket_with_notes(tx, OPERATOR, number)
    for details in (added, read, listed.tickets[0]):
        assert [(note.text, note.source) for note in details.notes] == [
            ("for all", Source.SELLER),
            ("thanks", Source.BUYER),
        ]
    assert [note.text for note in own.notes] == ["for all", "for us", "thanks"]


async def test_a_customer_writes_no_internal_note(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        number = await raised(tx, tenant)
        with pytest.raises(Forbidden):
            await notes.add_note(
                tx, tenant.actor, number, "psst", channel=Channel.API, visibility=Visibility.INTERNAL, now=NOW
            )


async def test_another_companys_ticket_does_not_exist(database: Database, tenant: Tenant, other_tenant: Tenant) -> None:
    async with database.transaction() as tx:
        number = await raised(tx, tenant)
        with pytest.raises(NotFound):
            await tickets.get_ticket_with_notes(tx, other_tenant.actor, number)
        with pytest.raises(NotFound):
            await notes.add_note(tx, other_tenant.actor, number, "hello", channel=Channel.API, now=NOW)
        with pytest.raises(NotFound):
            await ticket_changes.move_ticket(tx, other_tenant.actor, number, Status.CANCELLED, reason="", now=NOW)
        with pytest.raises(NotFound):
            await tickets.history(tx, other_tenant.actor, number)


async def test_a_finished_ticket_accepts_no_note(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        number = await raised(tx, tenant)
        await ticket_changes.move_ticket(tx, OPERATOR, number, Status.REJECTED, reason="", now=NOW)
        with pytest.raises(TicketFinished):
            await notes.add_note(tx, tenant.actor, number, "late", channel=Channel.API, now=NOW)


async def test_a_key_does_only_what_its_scopes_allow(database: Database) -> None:
    reader = await new_tenant(database, scopes=frozenset({"tickets:read"}))
    writer = await new_tenant(database, scopes=frozenset({"tickets:write"}))
    async with database.transaction() as tx:
        with pytest.raises(ScopeMissing):
            await raised(tx, reader)
        number = await raised(tx, writer)
        with pytest.raises(ScopeMissing):
            await tickets.get_ticket_with_notes(tx, writer.actor, number)


async def test_a_ticket_has_a_limited_number_of_notes_and_more_of_the_provider(
    database: Database, tenant: Tenant
) -> None:
    async def add(actor: Actor, visibility: Visibility = Visibility.PUBLIC) -> None:
        for method, ticket in ((notes.add_note, number), (notes.append_note, other)):
            async with database.statement() as tx:
                await method(
                    tx, actor, ticket, "more", channel=Channel.API, visibility=visibility, notes_max=2, now=NOW
                )

    async with database.transaction() as tx:
        number, other = await raised(tx, tenant), await raised(tx, tenant)
    await add(tenant.actor)
    await add(OPERATOR, Visibility.INTERNAL)
    for ticket in (number, other):
        async with database.transaction() as tx:
            before = await tickets.get_ticket(tx, OPERATOR, ticket)
            for method in (notes.add_note, notes.append_note):
                with pytest.raises(TooManyNotes, match="at most 2 notes: raise a new ticket and link it"):
                    await method(tx, tenant.actor, ticket, "more", channel=Channel.API, notes_max=2, now=NOW)
            assert await tickets.get_ticket(tx, OPERATOR, ticket) == before
    await add(OPERATOR)
    await add(OPERATOR)
    with pytest.raises(TooManyNotes, match="at most 4 notes"):
        await add(OPERATOR)


async def test_the_notes_of_the_largest_ticket_are_in_one_answer(
    client: httpx.AsyncClient, database: Database, tenant: Tenant
) -> None:
    async with database.transaction() as tx:
        number = await raised(tx, tenant)
        await tx.write(
            """insert into note (company_id, ticket_number, text, visibility, source, channel, author, created_at)
               select $1, $2, repeat('x', 4000), 'public', 'buyer', 'API', 'Ada', $3 from generate_series(1, 999)""",
            tenant.company.id, number, NOW,
        )  # fmt: skip
    path = f"/v2/support-tickets/{ticket_number(number)}"
    added = await client.post(f"{path}/addNote", headers=tenant.headers, json={"noteText": "the last"})
    assert len([note for note in added.json()["notes"] if "worklogId" in note]) == 1000
    refused = await client.post(f"{path}/addNote", headers=tenant.headers, json={"noteText": "too late"})
    rule = "a ticket has at most 1000 notes: raise a new ticket and link it"
    assert (refused.status_code, refused.json()["error"]["message"]) == (400, f"Support Ticket: {rule}.")
    answer = await client.post(
        f"/api/v1/tickets/{ticket_number(number)}/notes", headers=tenant.headers, json={"text": "too late"}
    )
    body = problem(answer, "conflict", code="too-many-notes")
    assert body["detail"] == rule
