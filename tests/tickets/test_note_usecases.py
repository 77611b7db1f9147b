import pytest

from clearline.errors import Forbidden, NotFound, ScopeMissing, TicketFinished
from clearline.identity import OPERATOR
from clearline.platform.database.transactions import Database
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets import note_usecases as notes
from clearline.tickets import usecases as tickets
from clearline.tickets.domain import Channel, Status
from clearline.tickets.note_domain import Source, Visibility
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
