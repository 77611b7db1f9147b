"""Which recipients each event has, and how they are notified."""

from collections.abc import Awaitable, Callable
from datetime import datetime, time, timedelta
from hashlib import sha256
from typing import Any
from uuid import uuid4

import pytest

from clearline.accounts import usecases as accounts
from clearline.catalogue.assessment import Priority
from clearline.events.event_types import NotificationKind, Relation
from clearline.identity import OPERATOR, PROVIDER_ID, Role
from clearline.notifications import preference_usecases as preferences
from clearline.notifications.domain import (
    DeliveryMode,
    NotificationPreferences,
    delivery_mode,
    effective_rules,
    notification_rules,
)
from clearline.notifications.recipients import GROUPING_WINDOW
from clearline.platform.work.timer_store import Timer
from clearline.reminders.domain import KIND, ReminderChange
from clearline.routing import usecases as routing
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets.attachments import store as attachment_store
from clearline.tickets.attachments.domain import Attachment
from clearline.tickets.contact import Contact
from clearline.tickets.domain import Channel, Status
from clearline.tickets.links import merge_usecases as merging
from clearline.tickets.links import usecases as links
from clearline.tickets.links import watcher_usecases as watchers
from clearline.tickets.links.domain import LinkType
from clearline.tickets.note_domain import Source, Visibility
from clearline.tickets.reminders.usecases import fire
from tests.builders.notifications import Scene, note
from tests.builders.people import NOW


def file(by: str, visibility: Visibility = Visibility.PUBLIC) -> Callable[[Scene], Awaitable[object]]:
    async def do(at: Scene) -> None:
        actor = at.people[by]
        side = Source.SELLER if actor.is_staff else Source.BUYER
        await attachment_store.insert(
            at.tx,
            Attachment(
                at.tenant.company.id, at.number, uuid4(), "crc.txt", "text/plain", 3, sha256(b"crc").digest(),
                visibility, side, actor.name, at.id(by), NOW,
            ),
        )  # fmt: skip

    return do


def move(by: str, *to: Status) -> Callable[[Scene], Awaitable[object]]:
    """Return the work that sets several statuses; only the events of the last one count."""

    async def do(at: Scene) -> None:
        for status in to:
            await at.new_events()
            await ticket_changes.move_ticket(at.tx, at.people[by], at.number, status, reason="so", now=NOW)

    return do


def change(by: str, values: Callable[[Scene], dict[str, Any]]) -> Callable[[Scene], Awaitable[object]]:
    async def do(at: Scene) -> None:
        await ticket_changes.change_ticket(at.tx, at.people[by], at.number, values(at), now=NOW)

    return do


async def routed_unassigned(at: Scene) -> None:
    await ticket_changes.assign(at.tx, OPERATOR, at.number, None, now=NOW)
    await at.new_events()
    await ticket_changes.change_ticket(at.tx, routing.ROUTING, at.number, {"queue_id": at.queue_id}, now=NOW)


async def linked(at: Scene) -> None:
    first = at.number
    other = await at.raise_ticket()
    at.number = first
    await links.add_link(at.tx, at.people["agent"], first, LinkType.RELATED, other, now=NOW)


async def merged(at: Scene) -> None:
    first = at.number
    other = await at.raise_ticket()
    at.number = first
    await merging.merge_ticket(at.tx, at.people["agent"], first, other, now=NOW)


async def watched(at: Scene) -> None:
    await watchers.watch(at.tx, at.people["agent"], at.number, at.id("mate"), now=NOW)


def reminded(**values: Any) -> Callable[[Scene], Awaitable[object]]:
    """Return the work that makes the reminder of a ticket due; only the events of that count."""

    async def do(at: Scene) -> None:
        due_at = NOW + timedelta(hours=1)
        given = {**values, "queue_id": at.queue_id, "reminder": ReminderChange(due_at, "Ask again")}
        await ticket_changes.change_ticket(at.tx, OPERATOR, at.number, given, now=NOW)
        await at.new_events()
        await fire(at.tx, [Timer(at.tenant.company.id, KIND, at.number, due_at)], due_at)

    return do


STAFF_SIDE = {"agent": "email", "watcher": "email"}
EVERYBODY = {**STAFF_SIDE, "contact": "email", "customer_watcher": "email", "boss": "email"}
S = Status
TABLE: dict[str, tuple[Callable[[Scene], Awaitable[object]], dict[str, str]]] = {
    "a customer raises a ticket": (
        lambda at: at.raise_ticket(),
        {"contact": "email", "boss": "email", "curious": "digest"},
    ),
    "the customer admin raises a ticket": (
        lambda at: at.raise_ticket("boss"),
        {"contact": "email", "curious": "digest"},
    ),
    "the customer adds a note": (note("colleague"), {**STAFF_SIDE, "customer_watcher": "email", "boss": "email"}),
    "a watcher of the customer adds a note": (note("customer_watcher"), {**STAFF_SIDE, "boss": "email"}),
    "the assignee adds a public note": (note("agent"), {k: v for k, v in EVERYBODY.items() if k != "agent"}),
    "another agent adds a public note": (note("mate"), EVERYBODY),
    "the assignee adds an internal note": (note("agent", Visibility.INTERNAL), {"watcher": "email"}),
    "another agent adds an internal note": (note("mate", Visibility.INTERNAL), STAFF_SIDE),
    "the customer attaches a file": (file("colleague"), {**STAFF_SIDE, "customer_watcher": "email", "boss": "email"}),
    "another agent attaches a public file": (file("mate"), EVERYBODY),
    "another agent attaches an internal file": (file("mate", Visibility.INTERNAL), STAFF_SIDE),
    "the ticket is set in progress": (move("mate", S.IN_PROGRESS), EVERYBODY),
    "the ticket is set to pending": (move("mate", S.PENDING), EVERYBODY),
    "the ticket is set to held": (move("mate", S.HELD), EVERYBODY),
    "a pending ticket is set in progress": (
        move("mate", S.PENDING, S.IN_PROGRESS),
        {name: mode for name, mode in EVERYBODY.items() if name != "contact"},
    ),
    "the assignee resolves the ticket": (
        move("agent", S.IN_PROGRESS, S.RESOLVED),
        {name: mode for name, mode in EVERYBODY.items() if name != "agent"},
    ),
    "another agent closes the ticket": (move("mate", S.IN_PROGRESS, S.RESOLVED, S.CLOSED), EVERYBODY),
    "another agent rejects the ticket": (move("mate", S.REJECTED), EVERYBODY),
    "another agent cancels the ticket": (move("mate", S.CANCELLED), EVERYBODY),
    "the customer requests cancellation": (
        move("colleague", S.CANCELLATION_REQUESTED),
        {name: mode for name, mode in EVERYBODY.items() if name != "contact"},
    ),
    "the ticket is assigned to another agent": (
        change("agent", lambda at: {"assignee_id": at.id("mate")}),
        {"mate": "email", "watcher": "digest"},
    ),
    "another agent assigns the ticket to themselves": (
        change("mate", lambda at: {"assignee_id": at.id("mate")}),
        {"watcher": "digest"},
    ),
    "the ticket is unassigned": (change("mate", lambda _: {"assignee_id": None}), {"watcher": "digest"}),
    "the priority becomes critical": (
        change("mate", lambda _: {"priority": Priority.CRITICAL}),
        {"watcher": "digest", "customer_watcher": "digest"},
    ),
    "a tag is added": (change("mate", lambda _: {"tags": ("bgp",)}), {"watcher": "digest"}),
    "an assigned ticket is moved to a queue": (
        change("curious", lambda at: {"queue_id": at.queue_id}),
        {"watcher": "digest"},
    ),
    "an unassigned ticket is moved to a queue": (
        routed_unassigned,
        {"agent": "email", "mate": "email", "watcher": "digest"},
    ),
    "the ticket is linked": (linked, {"watcher": "digest"}),
    "the ticket is merged": (
        merged,
        {"watcher": "both", "customer_watcher": "both", "contact": "email", "boss": "email"},
    ),
    "a watcher is added": (watched, {}),
    "the reminder is due": (reminded(), STAFF_SIDE),
    "the reminder of an unassigned ticket is due": (reminded(assignee_id=None), {**STAFF_SIDE, "mate": "email"}),
}


@pytest.mark.parametrize("case", TABLE)
async def test_each_event_notifies_the_related_people_except_its_actor(scene: Scene, case: str) -> None:
    do, expected = TABLE[case]
    await do(scene)
    assert await scene.notified() == expected


@pytest.mark.parametrize("case", TABLE)
async def test_contacts_of_a_company_with_contact_mail_off_are_not_notified(scene: Scene, case: str) -> None:
    do, expected = TABLE[case]
    await preferences.change_contact_mail(scene.tx, OPERATOR, scene.tenant.company.id, mails=False, now=NOW)
    await do(scene)
    assert await scene.notified() == {name: mode for name, mode in expected.items() if name != "contact"}


async def test_users_can_turn_all_notifications_off(scene: Scene) -> None:
    for name, actor in scene.people.items():
        rules = dict.fromkeys(effective_rules(NotificationPreferences(), actor.role), DeliveryMode.OFF)
        await scene.set_preferences(name, rules=rules)
    for by, visibility in (
        ("mate", Visibility.INTERNAL),
        ("mate", Visibility.PUBLIC),
        ("colleague", Visibility.PUBLIC),
    ):
        await note(by, visibility)(scene)
    await change("curious", lambda at: {"assignee_id": at.id("mate")})(scene)
    assert await scene.notified() == {"contact": "email"}


INTERNAL = (
    "the assignee adds an internal note",
    "another agent adds an internal note",
    "another agent attaches an internal file",
    "a tag is added",
    "the ticket is linked",
    "the ticket is assigned to another agent",
    "an unassigned ticket is moved to a queue",
    "the reminder is due",
)


@pytest.mark.parametrize("case", INTERNAL)
async def test_internal_events_notify_no_customer_whatever_the_preferences(scene: Scene, case: str) -> None:
    for name, actor in scene.people.items():
        known = effective_rules(NotificationPreferences(), actor.role)
        await scene.set_preferences(name, rules=dict.fromkeys(known, DeliveryMode.EMAIL))
        if not actor.is_staff:
            await watchers.watch(scene.tx, OPERATOR, scene.number, scene.id(name), now=NOW)
            # Rules that no use case lets a customer have.
            await scene.tx.write(
                """update notification_settings set rules = rules || '{"internal_note": "email",
                   "assigned_to_me": "email", "routed_to_my_team": "email"}' where user_id = $1""",
                scene.id(name),
            )
    await scene.new_events()
    await TABLE[case][0](scene)
    modes = await scene.notified()
    assert modes
    assert {name for name in modes if name == "contact" or not scene.people[name].is_staff} == set()


async def test_an_address_shared_by_customer_and_agent_gets_nothing_internal(scene: Scene) -> None:
    """Mail to a shared address has only what the customer may see."""
    for name in ("agent", "watcher"):
        user = scene.people[name].user
        assert user is not None
        await ticket_changes.change_ticket(
            scene.tx, OPERATOR, scene.number, {"contact": Contact("X", "", user.email.upper())}, now=NOW
        )
        await scene.new_events()
        await note("mate", Visibility.INTERNAL)(scene)
        assert name not in {address.partition("@")[0].lower() for address in await scene.notified()}
        await note("mate")(scene)
        assert (await scene.notified())[name] == "email"


async def test_a_customers_notification_has_only_what_customers_may_see(scene: Scene) -> None:
    values = {"priority": Priority.CRITICAL, "tags": ("vip",), "queue_id": scene.queue_id}
    await change("mate", lambda _: values)(scene)
    await scene.notified()
    data = {
        notification.recipient: notification.data
        for notification in await scene.stored()
        if notification.type == "ticket.changed"
    }
    assert [value_change["field"] for value_change in data[scene.address("customer_watcher")]["changes"]] == [
        "priority"
    ]
    assert [value_change["field"] for value_change in data[scene.address("watcher")]["changes"]] == ["priority", "tags"]


async def test_a_contact_who_is_a_user_is_notified_by_the_users_preferences(scene: Scene) -> None:
    await scene.set_preferences(
        "quiet_boss",
        rules={NotificationKind.PROVIDER_NOTE: DeliveryMode.DIGEST, NotificationKind.TICKET_RAISED: DeliveryMode.OFF},
    )
    await scene.raise_ticket(contact=scene.address("quiet_boss").upper())
    assert await scene.notified() == {"boss": "email", "curious": "digest"}
    await watchers.watch(scene.tx, OPERATOR, scene.number, scene.id("quiet_boss"), now=NOW)
    await note("mate")(scene)
    assert await scene.notified() == {"boss": "email", "quiet_boss": "digest"}


@pytest.mark.parametrize("channel", Channel)
async def test_a_ticket_raised_by_mail_phone_or_portal_gets_a_receipt(scene: Scene, channel: Channel) -> None:
    await scene.raise_ticket(channel=channel, contact=scene.address("colleague"))
    receipt = {"colleague": "email"} if channel in {Channel.EMAIL, Channel.PHONE, Channel.PORTAL} else {}
    company_modes = {} if channel is Channel.SYSTEM else {"boss": "email", "curious": "digest"}
    assert await scene.notified() == {**company_modes, **receipt}


@pytest.mark.parametrize("contact", ["colleague", ""])
async def test_a_ticket_from_a_mailing_list_gets_no_receipt(scene: Scene, contact: str) -> None:
    address = scene.address(contact) if contact else "nobody@contact.example.org"
    await scene.raise_ticket(channel=Channel.EMAIL, contact=address, sends_receipt=False)
    assert await scene.notified() == {"boss": "email", "curious": "digest"}
    await scene.raise_ticket(channel=Channel.EMAIL, contact=address)
    assert len(await scene.notified()) == 3


@pytest.mark.parametrize("name", ["agent", "watcher", "customer_watcher", "boss"])
async def test_inactive_users_are_not_notified(scene: Scene, name: str) -> None:
    user = scene.people[name].user
    assert user is not None
    await accounts.change_user(scene.tx, OPERATOR, user.company_id, user.id, {"is_active": False}, now=NOW)
    await note("mate")(scene)
    assert name not in await scene.notified()


@pytest.mark.parametrize("name", ["agent", "watcher"])
async def test_who_is_limited_to_others_is_not_notified(scene: Scene, name: str) -> None:
    user = scene.people[name].user
    assert user is not None
    await scene.tx.write("update app_user set only_companies = $2 where id = $1", user.id, [uuid4()])
    await note("mate")(scene)
    assert name not in await scene.notified()


async def test_a_contact_who_is_an_inactive_user_is_not_notified(scene: Scene) -> None:
    user = scene.people["colleague"].user
    assert user is not None
    await scene.raise_ticket("boss", contact=user.email)
    await accounts.change_user(scene.tx, OPERATOR, user.company_id, user.id, {"is_active": False}, now=NOW)
    assert await scene.notified() == {"curious": "digest"}


async def test_an_address_that_is_not_mailable_gets_no_notification(scene: Scene) -> None:
    await scene.tx.write("update ticket set contact_email = 'nonsense' where number = $1", scene.number)
    await note("mate")(scene)
    assert set(await scene.notified()) == {"agent", "watcher", "customer_watcher", "boss"}


async def test_an_address_shared_by_two_users_is_notified_once_with_what_customers_may_see(scene: Scene) -> None:
    shared = scene.address("customer_watcher").upper()
    await accounts.change_user(scene.tx, OPERATOR, PROVIDER_ID, scene.id("watcher"), {"email": shared}, now=NOW)
    await note("mate")(scene)
    await scene.record()
    to = [notification.recipient for notification in await scene.stored()]
    assert (to.count(scene.address("customer_watcher")), to.count(shared), len(to)) == (1, 0, 4)
    await note("mate", Visibility.INTERNAL)(scene)
    await scene.record()
    assert [notification.recipient for notification in (await scene.stored())[4:]] == [scene.address("agent")]


NIGHT = {"time_zone": "Asia/Kathmandu", "quiet_from": time(17), "quiet_to": time(20, 30)}  # NOW is 17:45 there


@pytest.mark.parametrize(
    ("breaks", "priority", "waits"),
    [
        (False, Priority.LOW, True),
        (False, Priority.CRITICAL, True),
        (True, Priority.LOW, True),
        (True, Priority.CRITICAL, False),
    ],
)
async def test_mail_waits_for_the_end_of_quiet_hours_unless_the_ticket_is_critical(
    scene: Scene, *, breaks: bool, priority: Priority, waits: bool
) -> None:
    await scene.set_preferences("agent", **NIGHT, critical_breaks_quiet=breaks)
    await scene.tx.write("update ticket set priority = $2 where number = $1", scene.number, priority)
    await note("colleague")(scene)
    await scene.notified()
    due = {notification.recipient: notification.due_at for notification in await scene.stored()}
    end = datetime.fromisoformat("2026-03-01T14:45Z")
    assert due[scene.address("agent")] == (end if waits else NOW + GROUPING_WINDOW)
    assert due[scene.address("watcher")] == NOW + GROUPING_WINDOW


def test_the_strongest_delivery_mode_of_the_matching_rules_counts() -> None:
    rules = {NotificationKind.PROVIDER_NOTE: DeliveryMode.DIGEST, NotificationKind.COMPANY_TICKET: DeliveryMode.EMAIL}
    event_rules = notification_rules("note.added", {"visibility": "public", "source": "seller"})
    contact, company = Relation.CONTACT, Relation.COMPANY
    assert delivery_mode(Role.CUSTOMER_ADMIN, rules, {contact, company}, event_rules) is DeliveryMode.EMAIL
    assert delivery_mode(Role.CUSTOMER_ADMIN, rules, {contact}, event_rules) is DeliveryMode.DIGEST
    assert delivery_mode(Role.CUSTOMER_ADMIN, rules, set(), event_rules) is DeliveryMode.OFF
    assert delivery_mode(Role.OPERATOR, {}, {contact}, event_rules) is DeliveryMode.OFF
