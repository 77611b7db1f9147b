"""A message can be taken back until it is due; then it is sent once, or kept with the reason why it was not."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from clearline.accounts import usecases as accounts
from clearline.catalogue.assessment import Priority
from clearline.drafts import pending_store
from clearline.drafts import pending_usecases as pending
from clearline.drafts import usecases as drafts
from clearline.drafts.pending_domain import PendingMessage
from clearline.drafts.worker import send_job
from clearline.errors import (
    Conflict,
    Forbidden,
    IllegalTransition,
    InvalidInput,
    NotFound,
    ScopeMissing,
    TicketFinished,
)
from clearline.identity import OPERATOR, PROVIDER_ID, Actor, Role
from clearline.platform.database.transactions import Database
from clearline.queues import usecases as queues
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets import store as ticket_store
from clearline.tickets.domain import Status
from clearline.tickets.label_domain import TAGS_MAX
from clearline.tickets.links import merge_usecases as merging
from clearline.tickets.note_domain import Visibility
from clearline.workspace import macro_usecases as macros
from tests.builders.people import NOW, Tenant, id_of, new_person, new_tenant
from tests.builders.tickets import raised

DUE = NOW + timedelta(seconds=10)


class Desk:
    """A ticket, and the agent who writes about it."""

    def __init__(self, database: Database, tenant: Tenant, number: int, actor: Actor) -> None:
        self.database, self.tenant, self.number, self.actor = database, tenant, number, actor

    async def hold(self, text: str = "We look", actor: Actor | None = None, **values: Any) -> PendingMessage:
        values = {"visibility": Visibility.PUBLIC, "then": None, "seconds": 10, "now": NOW, **values}
        async with self.database.transaction() as tx:
            return await pending.hold_message(tx, actor or self.actor, self.number, text, **values)

    async def send_due(self, *, seconds: int = 10) -> int:
        return await send_job(self.database, lambda: NOW + timedelta(seconds=seconds)).run()

    async def take_back(self, message: PendingMessage, actor: Actor | None = None) -> None:
        async with self.database.transaction() as tx:
            await pending.take_back(tx, actor or self.actor, self.number, message.id, now=DUE)

    async def waiting(self) -> list[PendingMessage]:
        async with self.database.transaction() as tx:
            return await pending.list_pending(tx, self.actor, self.number)

    async def failures(self) -> list[str]:
        return [message.failure for message in await self.waiting()]

    async def drafts(self, actor: Actor | None = None) -> list[tuple[str, Status | None]]:
        async with self.database.transaction() as tx:
            return [
                (draft.text, draft.then) for draft in await drafts.list_drafts(tx, actor or self.actor, self.number)
            ]

    async def texts(self) -> list[str]:
        return [text for text, _author in await self.notes()]

    async def notes(self) -> list[tuple[str, str]]:
        async with self.database.statement() as tx:
            both = await ticket_store.get_with_notes(tx, self.tenant.company.id, self.number, [*Visibility])
        assert both is not None
        return [(note.text, note.author) for note in both[1]]

    async def move(self, *statuses: Status) -> None:
        async with self.database.transaction() as tx:
            for status in statuses:
                await ticket_changes.move_ticket(tx, OPERATOR, self.number, status, reason="", now=NOW)

    async def status(self) -> Status:
        async with self.database.statement() as tx:
            both = await ticket_store.get_with_notes(tx, self.tenant.company.id, self.number, [])
        assert both is not None
        return both[0].status

    async def macro(self, **values: Any) -> UUID:
        async with self.database.transaction() as tx:
            return (await macros.add_macro(tx, OPERATOR, {"name": str(uuid4()), **values}, now=NOW)).id

    async def hold_macro(self, macro: UUID) -> PendingMessage:
        async with self.database.transaction() as tx:
            return await pending.hold_macro(tx, self.actor, self.number, macro, seconds=10, now=NOW)

    async def colleague(self, role: Role = Role.AGENT) -> Actor:
        async with self.database.transaction() as tx:
            return await new_person(tx, "Mara Lind", role)


@pytest.fixture
async def desk(database: Database) -> Desk:
    tenant = await new_tenant(database)
    async with database.transaction() as tx:
        await tx.write("delete from pending_message")  # of other tests
        number = await raised(tx, tenant, "Port is slow", status=Status.IN_PROGRESS)
        return Desk(database, tenant, number, await new_person(tx))


async def test_a_message_is_sent_when_it_is_due_with_its_status(desk: Desk) -> None:
    await desk.hold(then=Status.PENDING)
    assert await desk.send_due(seconds=9) == 0
    assert (await desk.notes(), await desk.status()) == ([], Status.IN_PROGRESS)
    assert await desk.send_due() == 1
    assert (await desk.notes(), await desk.status()) == ([("We look", "Ben Ito")], Status.PENDING)
    assert await desk.waiting() == []


async def test_messages_of_a_ticket_are_sent_in_their_order_and_once_by_many_workers(desk: Desk) -> None:
    for at in range(6):
        await desk.hold(f"Message {at}", now=NOW + timedelta(milliseconds=at))
    sent = await asyncio.gather(*(desk.send_due(seconds=11) for _ in range(4)))
    while len(await desk.texts()) < 6:
        sent.append(await desk.send_due(seconds=11))
    assert sum(sent) == 6
    assert await desk.texts() == [f"Message {at}" for at in range(6)]


async def test_a_message_that_is_postponed_is_not_overtaken_by_a_later_one(desk: Desk) -> None:
    first, _second = await desk.hold("First"), await desk.hold("Second")
    await desk.hold("Of a colleague", await desk.colleague())
    async with desk.database.transaction() as tx:
        await pending_store.postpone(tx, first, until=DUE + timedelta(seconds=2))
    assert (await desk.send_due(), await desk.texts()) == (0, [])
    assert [message.text for message in await desk.waiting()] == ["First", "Second", "Of a colleague"]
    assert await desk.send_due(seconds=12) == 3
    assert await desk.texts() == ["First", "Second", "Of a colleague"]


async def test_a_message_that_could_not_be_sent_or_was_taken_back_holds_up_nothing(desk: Desk) -> None:
    await desk.hold("First", then=Status.PENDING)
    second = await desk.hold("Second")
    await desk.hold("Third")
    await desk.take_back(second)
    await desk.move(Status.RESOLVED)
    assert await desk.send_due() == 2
    assert (await desk.texts(), len(await desk.failures())) == (["Third"], 1)


async def test_a_note_without_seconds_is_due_together_with_what_its_author_sent_before(desk: Desk) -> None:
    reply = await desk.hold("Reply")
    note = await desk.hold("Note", visibility=Visibility.INTERNAL, seconds=0, now=NOW + timedelta(seconds=3))
    colleague = await desk.colleague()
    other = await desk.hold("Other", colleague, seconds=0)
    assert (note.due_at, other.due_at) == (reply.due_at, NOW)
    assert await desk.send_due() == 3
    assert await desk.texts() == ["Reply", "Note", "Other"]


async def test_what_an_author_has_waiting_goes_before_what_it_does_next(desk: Desk) -> None:
    colleague = await desk.colleague()
    await desk.hold("First")
    await desk.hold("Of a colleague", colleague)
    await desk.hold("Second", then=Status.PENDING)
    async with desk.database.transaction() as tx:
        await pending.send_waiting(tx, desk.actor, desk.number, now=NOW)
    assert (await desk.texts(), await desk.status()) == (["First", "Second"], Status.PENDING)
    assert [message.text for message in await desk.waiting()] == ["Of a colleague"]
    for actor in (OPERATOR, desk.tenant.actor, await desk.colleague(Role.VIEWER)):
        async with desk.database.transaction() as tx:
            await pending.send_waiting(tx, actor, desk.number, now=NOW)
    assert [message.text for message in await desk.waiting()] == ["Of a colleague"]


async def test_what_cannot_be_sent_early_stays_whole_and_keeps_nothing_from_being_done(desk: Desk) -> None:
    await desk.hold("First", then=Status.PENDING)
    await desk.hold("Second")
    await desk.move(Status.RESOLVED)
    async with desk.database.transaction() as tx:
        await pending.send_waiting(tx, desk.actor, desk.number, now=NOW)
        await ticket_changes.move_ticket(tx, desk.actor, desk.number, Status.CLOSED, reason="", now=NOW)
    assert (await desk.texts(), await desk.status()) == (["Second"], Status.CLOSED)
    assert len(await desk.failures()) == 1


async def test_sending_early_and_the_worker_at_the_same_time_send_once(desk: Desk) -> None:
    async def close(to: Status) -> None:
        async with desk.database.transaction() as tx:
            await pending.send_waiting(tx, desk.actor, desk.number, now=DUE)
            await ticket_changes.move_ticket(tx, desk.actor, desk.number, to, reason="", now=DUE)

    for at, to in enumerate([*[Status.PENDING, Status.IN_PROGRESS] * 2, Status.RESOLVED, Status.CLOSED]):
        await desk.hold(f"Message {at}")
        await asyncio.gather(close(to), desk.send_due())
    assert await desk.texts() == [f"Message {at}" for at in range(6)]
    assert await desk.failures() == []


async def test_a_macro_is_done_whole_when_it_is_due(desk: Desk) -> None:
    values = {"text": "Dear {{contact.name}}", "status": Status.PENDING, "priority": Priority.HIGH, "add_tags": ("a",)}
    macro = await desk.macro(**values)
    await desk.hold_macro(macro)
    async with desk.database.transaction() as tx:
        await ticket_changes.tag(tx, OPERATOR, desk.number, add=("b",), now=NOW)
        await macros.change_macro(tx, OPERATOR, macro, {"priority": Priority.LOW}, now=NOW)
    assert (await desk.texts(), await desk.status()) == ([], Status.IN_PROGRESS)
    await desk.send_due()
    async with desk.database.statement() as tx:
        both = await ticket_store.get_with_notes(tx, desk.tenant.company.id, desk.number, [])
    assert both is not None
    assert (both[0].status, both[0].priority, both[0].tags) == (Status.PENDING, Priority.HIGH, ("a", "b"))
    assert await desk.texts() == ["Dear Ada Okoro"]


async def test_a_macro_that_is_taken_back_changes_nothing(desk: Desk) -> None:
    with_text = await desk.hold_macro(await desk.macro(text="Bye", status=Status.PENDING, priority=Priority.HIGH))
    await desk.take_back(with_text)
    assert await desk.drafts() == [("Bye", Status.PENDING)]
    without_text = await desk.hold_macro(await desk.macro(status=Status.RESOLVED))
    await desk.take_back(without_text)
    assert await desk.drafts() == [("Bye", Status.PENDING)]
    await desk.send_due()
    assert (await desk.texts(), await desk.status()) == ([], Status.IN_PROGRESS)


async def test_what_of_a_macro_can_be_refused_at_once_is(desk: Desk) -> None:
    async with desk.database.transaction() as tx:
        await ticket_changes.tag(tx, OPERATOR, desk.number, add=tuple(f"t{at}" for at in range(TAGS_MAX)), now=NOW)
    for values, error in (
        ({"status": Status.CLOSED}, IllegalTransition),
        ({"text": "Hello", "add_tags": ("another",)}, InvalidInput),
        ({"text": "{{ticket.title}}" * 300}, InvalidInput),
    ):
        with pytest.raises(error):
            await desk.hold_macro(await desk.macro(**values))
    assert await desk.waiting() == []


async def test_a_macro_whose_queue_was_deleted_meanwhile_stays_whole_with_the_reason(desk: Desk) -> None:
    async with desk.database.transaction() as tx:
        queue = (await queues.add_queue(tx, OPERATOR, name=f"Optics {desk.number}", now=NOW)).queue
    await desk.hold_macro(await desk.macro(text="Hello", status=Status.PENDING, queue_id=queue.id))
    async with desk.database.transaction() as tx:
        await tx.write("delete from macro where queue_id = $1", queue.id)
        await queues.delete_queue(tx, OPERATOR, queue.id, now=NOW)
    await desk.send_due()
    assert (await desk.texts(), await desk.status()) == ([], Status.IN_PROGRESS)
    assert await desk.failures() == ["queue_id must be the id of a queue"]


async def test_a_message_that_is_taken_back_is_a_draft_again(desk: Desk) -> None:
    message = await desk.hold(then=Status.PENDING)
    await desk.take_back(message)
    assert await desk.send_due() == 0
    assert (await desk.notes(), await desk.status()) == ([], Status.IN_PROGRESS)
    assert await desk.drafts() == [("We look", Status.PENDING)]
    with pytest.raises(Conflict):
        await desk.take_back(message)


async def test_a_message_that_was_sent_cannot_be_taken_back(desk: Desk) -> None:
    message = await desk.hold()
    await desk.send_due()
    with pytest.raises(Conflict):
        await desk.take_back(message)
    assert (await desk.texts(), await desk.drafts()) == (["We look"], [])


async def test_undo_and_the_worker_at_the_same_time_send_or_take_back_but_never_both(desk: Desk) -> None:
    for _ in range(5):
        message = await desk.hold()
        undone, _sent = await asyncio.gather(desk.take_back(message), desk.send_due(), return_exceptions=True)
        assert isinstance(undone, Conflict | None)
        texts, written = await desk.texts(), [text for text, _then in await desk.drafts()]
        assert len(texts) + len(written) == _ + 1


async def test_nobody_else_takes_a_message_back_before_it_is_sent(desk: Desk) -> None:
    message = await desk.hold()
    for role, error in ((Role.AGENT, Conflict), (Role.ADMIN, Conflict), (Role.VIEWER, ScopeMissing)):
        with pytest.raises(error):
            await desk.take_back(message, await desk.colleague(role))
    for actor in (OPERATOR, desk.tenant.actor):
        with pytest.raises(Forbidden):
            await desk.take_back(message, actor)
    assert await desk.waiting() == [message]


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"text": " "}, InvalidInput),
        ({"text": "x" * 4001}, InvalidInput),
        ({"then": Status.CLOSED}, IllegalTransition),
    ],
)
async def test_what_can_be_refused_at_once_is(desk: Desk, values: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        await desk.hold(**values)
    assert await desk.waiting() == []


async def test_only_people_who_may_write_send_messages_to_tickets_that_accept_them(desk: Desk) -> None:
    viewer = await desk.colleague(Role.VIEWER)
    for actor, error in ((viewer, ScopeMissing), (OPERATOR, Forbidden), (desk.tenant.actor, Forbidden)):
        with pytest.raises(error):
            await desk.hold(actor=actor)
    with pytest.raises(NotFound):
        await Desk(desk.database, desk.tenant, 999_999_999, desk.actor).hold()
    await desk.move(Status.RESOLVED, Status.CLOSED)
    with pytest.raises(TicketFinished):
        await desk.hold()
    async with desk.database.transaction() as tx:
        with pytest.raises(Forbidden):
            await pending.list_pending(tx, desk.tenant.actor, desk.number)


async def test_a_ticket_that_was_closed_meanwhile_keeps_the_message_with_the_reason(desk: Desk) -> None:
    message = await desk.hold()
    await desk.move(Status.RESOLVED, Status.CLOSED)
    assert await desk.send_due() == 1
    assert await desk.send_due() == 0
    assert await desk.failures() == ["a ticket that is closed takes nothing more"]
    colleague = await desk.colleague()
    async with desk.database.transaction() as tx:
        assert await pending.list_failed(tx, desk.actor) == [desk.number]
        assert await pending.list_failed(tx, colleague) == []
    await desk.take_back(message)
    assert await desk.drafts() == [("We look", None)]
    async with desk.database.transaction() as tx:
        assert await pending.list_failed(tx, desk.actor) == []


async def test_a_ticket_that_was_merged_meanwhile_keeps_the_message(desk: Desk) -> None:
    await desk.hold()
    async with desk.database.transaction() as tx:
        into = await raised(tx, desk.tenant, "The cause")
        await merging.merge_ticket(tx, OPERATOR, desk.number, into, now=NOW)
    await desk.send_due()
    [failure] = await desk.failures()
    assert "merged into" in failure


async def test_a_status_that_is_no_longer_possible_keeps_the_message_whole(desk: Desk) -> None:
    await desk.hold(then=Status.PENDING)
    await desk.move(Status.RESOLVED)
    await desk.send_due()
    assert (await desk.notes(), await desk.status()) == ([], Status.RESOLVED)
    assert len(await desk.failures()) == 1


async def test_a_status_that_somebody_set_meanwhile_is_no_obstacle(desk: Desk) -> None:
    await desk.hold(then=Status.RESOLVED)
    await desk.move(Status.RESOLVED)
    await desk.send_due()
    assert (await desk.texts(), await desk.status()) == (["We look"], Status.RESOLVED)


@pytest.mark.parametrize("values", [{"is_active": False}, {"role": Role.VIEWER}])
async def test_a_person_who_lost_its_rights_sends_nothing_and_a_colleague_takes_the_message_over(
    desk: Desk, values: dict[str, Any]
) -> None:
    message = await desk.hold()
    async with desk.database.transaction() as tx:
        await accounts.change_user(tx, OPERATOR, PROVIDER_ID, id_of(desk.actor), values, now=NOW)
    await desk.send_due()
    assert (await desk.texts(), len(await desk.failures())) == ([], 1)
    colleague, viewer = await desk.colleague(), await desk.colleague(Role.VIEWER)
    async with desk.database.transaction() as tx:
        assert await pending.list_failed(tx, colleague) == [desk.number]
        assert await pending.list_failed(tx, viewer) == []
    await desk.take_back(message, colleague)
    assert await desk.drafts(colleague) == [("We look", None)]


async def test_a_clock_that_was_ahead_keeps_no_message_waiting(desk: Desk) -> None:
    soon, late = await desk.hold("Soon"), await desk.hold("Late", now=NOW + timedelta(hours=1))
    async with desk.database.transaction() as tx:
        assert await pending.shorten_waits(tx, now=NOW) == 1
    assert [message.due_at for message in await desk.waiting()] == [soon.due_at, NOW]
    assert late.id != soon.id
    await desk.send_due()
    assert await desk.texts() == ["Soon", "Late"]


async def test_an_id_of_nothing_was_sent_or_taken_back(desk: Desk) -> None:
    async with desk.database.transaction() as tx:
        with pytest.raises(Conflict):
            await pending.take_back(tx, desk.actor, desk.number, uuid4(), now=NOW)
