"""Events that notify nobody: imported, copied, old, or read again."""

from datetime import timedelta

from msgspec import convert

from clearline.bulk.import_domain import ImportedTicket, imported_notes, imported_state
from clearline.catalogue.domain import UNKNOWN_ASSESSMENT
from clearline.events.event_types import NotificationKind
from clearline.identity import OPERATOR
from clearline.notifications.domain import (
    DeliveryMode,
)
from clearline.notifications.recipients import RecordResult
from clearline.tickets import note_usecases as notes
from clearline.tickets import store as ticket_store
from clearline.tickets.domain import Channel
from clearline.tickets.links import merge_usecases as merging
from tests.builders.jobs import kept
from tests.builders.notifications import CONTACT, Scene, note
from tests.builders.people import NOW


async def test_an_imported_ticket_notifies_nobody(scene: Scene) -> None:
    await scene.set_preferences("curious", rules={NotificationKind.TICKET_RAISED: DeliveryMode.EMAIL})
    line = {
        "company": "x", "title": "Old", "description": "Old", "issue_type": "Others", "status": "in_progress",
        "service": {"id": "OLD", "type": "Non-Console Service"}, "created_at": "2026-02-01T00:00:00Z",
        "contact": {"name": "Pat", "email": CONTACT},
        "notes": [{"text": "Long ago", "author": "Somebody", "created_at": "2026-02-01T01:00:00Z"}],
    }  # fmt: skip
    imported = convert(line, ImportedTicket)
    state, brought = imported_state(scene.tenant.company.id, imported, UNKNOWN_ASSESSMENT), imported_notes(imported)
    ticket = await ticket_store.insert(scene.tx, OPERATOR, state, notes=brought, now=NOW)
    assert ticket is not None
    scene.number = ticket.number
    assert len(await scene.new_events()) == 1
    scene.rewind()
    assert await scene.notified() == {}


async def test_notes_copied_by_a_split_notify_nobody_again(scene: Scene) -> None:
    agent = scene.people["mate"]
    noted = await notes.add_note(scene.tx, agent, scene.number, "On it", channel=Channel.API, now=NOW)
    half, copied = {"title": "Half", "description": "Of it"}, (noted.notes[-1].number,)
    split = await merging.split_ticket(
        scene.tx, agent, scene.number, **half, notes=copied, channel=Channel.API, now=NOW
    )
    scene.number = split.ticket.number
    scene.rewind()
    assert {event.type for event in await scene.new_events()} >= {"ticket.created", "note.added"}
    scene.rewind()
    await scene.record()
    assert {notification.type for notification in await scene.stored()} == {"ticket.created"}


async def test_events_older_than_a_day_notify_nobody_and_are_counted(scene: Scene) -> None:
    await note("mate")(scene)
    scene.rewind()
    assert await scene.record(now=NOW + kept("unnotified_events")) == RecordResult(0, 5)
    scene.rewind()
    result = await scene.record(now=NOW + kept("unnotified_events") - timedelta(seconds=1))
    assert (result.too_old, result.notifications > 0) == (0, True)


async def test_an_event_that_is_read_again_notifies_nobody_twice(scene: Scene) -> None:
    await note("mate")(scene)
    await scene.record()
    first = await scene.stored()
    scene.rewind()
    await scene.record()
    again = [notification for notification in await scene.stored() if notification.type == "note.added"]
    assert again == first
