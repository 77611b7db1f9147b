from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from msgspec.structs import replace

from clearline.accounts import usecases as accounts
from clearline.errors import Forbidden, NotFound, ScopeMissing, TicketFinished
from clearline.identity import OPERATOR, Actor, Role
from clearline.limit_errors import TooManyAttachments
from clearline.platform.database.transactions import Database, Tx
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets import usecases as tickets
from clearline.tickets.attachments import usecases as attachments
from clearline.tickets.attachments.domain import Attachment, Content, NewAttachment
from clearline.tickets.domain import Status
from clearline.tickets.note_domain import Source, Visibility
from tests.builders.databases import Undone, undo
from tests.builders.people import NOW, Tenant, new_tenant
from tests.builders.tickets import raised

LATER = NOW + timedelta(minutes=1)
PUBLIC, INTERNAL = Visibility.PUBLIC, Visibility.INTERNAL


async def attach(
    tx: Tx, actor: Actor, number: int, name: str = "a.txt", *, visibility: Visibility = PUBLIC, now: datetime = LATER
) -> Attachment:
    new = NewAttachment(name, "text/plain", visibility)
    return await attachments.add_attachment(tx, actor, number, new, Content(uuid4(), 5, b"\x07" * 32), now=now)


async def names(tx: Tx, actor: Actor, number: int) -> list[str]:
    return [attachment.name for attachment in await attachments.list_attachments(tx, actor, number)]


async def events_of(tx: Tx, number: int) -> list[tuple[str, str, dict[str, Any]]]:
    """Return the type, actor and data of the ticket's events, except the first."""
    history = await tickets.history(tx, OPERATOR, number)
    return [(event.type, event.actor_name, event.data) for event in history][1:]


async def test_an_attachment_is_stored_and_counts_as_a_change_of_the_ticket(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        number = await raised(tx, tenant)
        added = await attach(tx, tenant.actor, number)
        ticket = (await tickets.get_ticket_with_notes(tx, tenant.actor, number)).ticket
        assert added == Attachment(
            tenant.company.id,
            number,
            added.id,
            "a.txt",
            "text/plain",
            5,
            b"\x07" * 32,
            PUBLIC,
            Source.BUYER,
            tenant.user.name,
            tenant.user.id,
            LATER,
        )
        assert await attachments.get_attachment(tx, tenant.actor, number, added.id) == added
        assert await attachments.list_attachments(tx, tenant.actor, number) == [added]
        assert (ticket.version, ticket.updated_at) == (2, LATER)
        data = {"id": str(added.id), "size": 5, "visibility": "public"}
        assert await events_of(tx, number) == [("attachment.added", tenant.user.name, data)]


async def test_a_removed_attachment_leaves_its_event(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        number = await raised(tx, tenant)
        added = await attach(tx, tenant.actor, number)
        removed = await attachments.remove_attachment(tx, OPERATOR, number, added.id, now=LATER + timedelta(hours=1))
        ticket = (await tickets.get_ticket_with_notes(tx, tenant.actor, number)).ticket
        assert removed == added
        assert await names(tx, OPERATOR, number) == []
        assert (ticket.version, ticket.updated_at) == (3, LATER + timedelta(hours=1))
        data = {"id": str(added.id), "visibility": "public"}
        assert (await events_of(tx, number))[1:] == [("attachment.removed", "operator", data)]
        with pytest.raises(NotFound):
            await attachments.remove_attachment(tx, OPERATOR, number, added.id, now=LATER)
        assert len(await events_of(tx, number)) == 2


async def test_a_customer_never_sees_an_internal_attachment(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        number = await raised(tx, tenant)
        hidden = await attach(tx, OPERATOR, number, "ours", visibility=INTERNAL)
        shown = await attach(tx, OPERATOR, number, "all", now=LATER + timedelta(seconds=1))
        assert (hidden.source, shown.source, hidden.created_by) == (Source.SELLER, Source.SELLER, None)
        assert await names(tx, tenant.actor, number) == ["all"]
        assert await names(tx, OPERATOR, number) == ["ours", "all"]
        assert (await attachments.get_attachment(tx, tenant.actor, number, shown.id)).name == "all"
        for attempt in (
            attachments.get_attachment(tx, tenant.actor, number, hidden.id),
            attachments.remove_attachment(tx, tenant.actor, number, hidden.id, now=LATER),
        ):
            with pytest.raises(NotFound):
                await attempt
        with pytest.raises(Forbidden, match="internal"):
            await attach(tx, tenant.actor, number, visibility=INTERNAL)


async def test_a_customer_removes_only_what_it_attached(database: Database, tenant: Tenant) -> None:
    code = tenant.company.code
    async with database.transaction() as tx:
        colleague = await accounts.add_user(
            tx, OPERATOR, code, name="Bo", email="bo@example.com", phone="", role=Role.CUSTOMER_ADMIN, now=NOW
        )
        boss = replace(tenant.actor, user=colleague, role=Role.CUSTOMER_ADMIN)
        number = await raised(tx, tenant)
        own = await attach(tx, tenant.actor, number, "own")
        staff_attachment = await attach(tx, OPERATOR, number, "ours")
        for actor, attachment in ((boss, own), (tenant.actor, staff_attachment)):
            with pytest.raises(Forbidden, match="who attached it"):
                await attachments.remove_attachment(tx, actor, number, attachment.id, now=LATER)
        await attachments.remove_attachment(tx, tenant.actor, number, own.id, now=LATER)
        assert await names(tx, tenant.actor, number) == ["ours"]


Attempt = Callable[[Tx, Actor, int, UUID], Awaitable[object]]
ATTEMPTS: dict[str, Attempt] = {
    "ask": lambda tx, actor, number, _attachment_id: attachments.require_attachable(tx, actor, number, PUBLIC),
    "add": lambda tx, actor, number, _attachment_id: attach(tx, actor, number),
    "list": lambda tx, actor, number, _attachment_id: attachments.list_attachments(tx, actor, number),
    "get": attachments.get_attachment,
    "remove": lambda tx, actor, number, attachment_id: attachments.remove_attachment(
        tx, actor, number, attachment_id, now=LATER
    ),
}
WRITES = {"ask", "add", "remove"}


@pytest.mark.parametrize("operation", ATTEMPTS)
async def test_another_companys_ticket_does_not_exist(
    database: Database, tenant: Tenant, other_tenant: Tenant, operation: str
) -> None:
    async with database.transaction() as tx:
        number = await raised(tx, tenant)
        own = await raised(tx, other_tenant)
        added = await attach(tx, tenant.actor, number)
        refusals = []
        for wrong in (number, 999_999_999):
            with pytest.raises(NotFound) as refused:
                await ATTEMPTS[operation](tx, other_tenant.actor, wrong, added.id)
            refusals.append(refused.value.kind)
        assert len(set(refusals)) == 1
        if operation in {"get", "remove"}:
            with pytest.raises(NotFound):  # not through its own ticket either
                await ATTEMPTS[operation](tx, other_tenant.actor, own, added.id)
            with pytest.raises(NotFound):
                await ATTEMPTS[operation](tx, OPERATOR, own, added.id)
        assert await names(tx, tenant.actor, number) == ["a.txt"]


@pytest.mark.parametrize("operation", ATTEMPTS)
async def test_a_key_does_only_what_its_scopes_allow(database: Database, tenant: Tenant, operation: str) -> None:
    scopes = frozenset({"tickets:read"} if operation in WRITES else {"tickets:write"})
    async with database.transaction() as tx:
        number = await raised(tx, tenant)
        added = await attach(tx, tenant.actor, number)
        with pytest.raises(ScopeMissing):
            await ATTEMPTS[operation](tx, replace(tenant.actor, scopes=scopes), number, added.id)


async def test_a_finished_ticket_accepts_no_attachment_but_its_attachments_can_be_removed(
    database: Database, tenant: Tenant
) -> None:
    async with database.transaction() as tx:
        number = await raised(tx, tenant)
        added = await attach(tx, tenant.actor, number)
        await ticket_changes.move_ticket(tx, OPERATOR, number, Status.REJECTED, reason="", now=LATER)
        with pytest.raises(TicketFinished):
            await attach(tx, tenant.actor, number)
        assert await attachments.require_attachable(tx, tenant.actor, number, PUBLIC) == tenant.company.id
        assert await names(tx, tenant.actor, number) == ["a.txt"]
        await attachments.remove_attachment(tx, tenant.actor, number, added.id, now=LATER)
        assert await names(tx, tenant.actor, number) == []


async def test_a_ticket_has_at_most_a_hundred_attachments_including_internal_ones(database: Database) -> None:
    tenant = await new_tenant(database)
    async with database.transaction() as tx:
        number = await raised(tx, tenant)
        for index in range(100):
            last = await attach(tx, OPERATOR, number, f"{index}", visibility=INTERNAL if index % 2 else PUBLIC)
        for actor in (tenant.actor, OPERATOR):
            with pytest.raises(TooManyAttachments, match="at most 100"):
                await attach(tx, actor, number)
        await attachments.remove_attachment(tx, OPERATOR, number, last.id, now=LATER)
        await attach(tx, tenant.actor, number)


async def test_a_page_of_the_list_continues_after_the_last_attachment(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        number = await raised(tx, tenant)
        for minute, name in enumerate("abbccc"):
            await attach(tx, OPERATOR, number, name, now=LATER + timedelta(minutes=minute // 2))
            await attach(tx, OPERATOR, number, "hidden", visibility=INTERNAL)
        complete_list = await attachments.list_attachments(tx, tenant.actor, number)
        assert sorted(attachment.name for attachment in complete_list) == list("abbccc")
        assert [attachment.created_at for attachment in complete_list] == sorted(
            attachment.created_at for attachment in complete_list
        )
        listed: list[Attachment] = []
        while True:
            after = (listed[-1].created_at, listed[-1].id) if listed else None
            page = await attachments.list_attachments(tx, tenant.actor, number, after=after, limit=2)
            assert len(page) <= 2
            if not page:
                break
            listed += page
        assert listed == complete_list


async def test_an_attachment_whose_transaction_fails_is_not_stored(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        number = await raised(tx, tenant)
    with pytest.raises(Undone):
        await attach_and_fail(database, tenant.actor, number)
    async with database.transaction() as tx:
        assert await names(tx, OPERATOR, number) == []
        assert await events_of(tx, number) == []
        assert (await tickets.get_ticket_with_notes(tx, OPERATOR, number)).ticket.version == 1


async def attach_and_fail(database: Database, actor: Actor, number: int) -> None:
    async with database.transaction() as tx:
        await attach(tx, actor, number)
        undo()
