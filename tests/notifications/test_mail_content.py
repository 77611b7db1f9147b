"""What receipts and notifications say, in the words and the time of their reader."""

from datetime import time, timedelta
from uuid import uuid4

import pytest
from msgspec.structs import replace

from clearline.accounts import usecases as accounts
from clearline.catalogue.assessment import Priority
from clearline.catalogue.published import ServiceType
from clearline.events.event_types import NotificationKind
from clearline.fields import usecases as own_fields
from clearline.fields.domain import FieldAudience, FieldType, Option, RecordKind, RefersTo
from clearline.identity import OPERATOR, PROVIDER_ID, Actor, Role
from clearline.mail.inbound import mailbox_usecases as mailboxes
from clearline.mail.inbound.secret_box import SecretBox
from clearline.mail.outbound.domain import RateLimits
from clearline.notifications import preference_usecases as preferences
from clearline.notifications.contact_rules import Notice, RuleRole
from clearline.notifications.contents import CUSTOMER_TICKETS, STAFF_TICKETS
from clearline.notifications.domain import DeliveryMode
from clearline.notifications.recipients import GROUPING_WINDOW
from clearline.platform.database.transactions import Tx
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets import note_usecases as notes
from clearline.tickets import usecases as tickets
from clearline.tickets.domain import UNKNOWN_SERVICE, Channel, Status, ticket_number
from clearline.tickets.faults.domain import Fault, SiteAccess, TestingConsent
from clearline.web.console.pages import PAGES
from clearline.web.portal.pages import PORTAL_PAGES
from tests.builders.house import no_fields
from tests.builders.mail.notification_rig import CONTACT, SETTINGS, NotificationRig, new_watcher, note
from tests.builders.people import NOW, Tenant, email_of, id_of, new_person
from tests.builders.tickets import a_new_ticket, raised

DESK = SETTINGS.public_url


async def test_a_receipt_says_what_was_raised_by_whom_and_how_to_answer(rig: NotificationRig) -> None:
    await rig.transact(add_mailbox)

    async def work(tx: Tx) -> int:
        agent = await new_person(tx, "Mara Lind", role=Role.AGENT)
        new = replace(a_new_ticket(), description="No light since 11:40.\nWe changed the optic.")
        created = await tickets.create_ticket(tx, agent, new, company_id=rig.tenant.company.id, now=NOW)
        return created.ticket.number

    await rig.transact(work)
    await rig.advance(GROUPING_WINDOW)
    [mail] = await rig.take_sent()
    for words in (
        "Port is slow",
        "No light since 11:40.",
        "We changed the optic.",
        "Mara Lind",
        "1 Mar 2026 12:00 UTC",
        "Times are in UTC.",
        "Received",
        "Reply to this mail to add a note to the ticket.",
    ):
        assert words in " ".join(mail.text.split())
        assert words in mail.html


async def add_fields(tx: Tx) -> None:
    """Add own fields that a mail says in words."""
    options, reference = [Option("eu", "Europe", "Europa")], FieldType.REFERENCE
    for key, kind, more in (
        ("port", reference, {"refers_to": RefersTo.SERVICE}), ("peer", reference, {"refers_to": RefersTo.COMPANY}),
        ("owner", reference, {"refers_to": RefersTo.USER}), ("region", FieldType.CHOICE, {"options": options}),
        ("sure", FieldType.BOOLEAN, {}), ("due", FieldType.DATETIME, {}),
    ):  # fmt: skip
        values = {
            "record": RecordKind.TICKET, "key": key, "label": f"The {key}", "label_de": f"{key.title()} DE",
            "type": kind, "visible_to": FieldAudience.CUSTOMER, **more,
        }  # fmt: skip
        await own_fields.add_field(tx, OPERATOR, values, now=NOW)


async def test_a_changed_own_field_is_said_with_its_label_and_what_it_names(
    rig: NotificationRig, other_tenant: Tenant
) -> None:
    at_once = {NotificationKind.WATCHED_CHANGE: DeliveryMode.EMAIL}

    async def work(tx: Tx) -> tuple[str, str, str]:
        await add_fields(tx)
        number = await raised(tx, rig.tenant)
        company = rig.tenant.company
        watcher = await new_watcher(tx, number, Role.CUSTOMER, company.code, rules=at_once)
        await accounts.change_user(tx, OPERATOR, company.id, id_of(watcher), {"language": "de"}, now=NOW)
        agent = await new_watcher(tx, number, Role.AGENT, rules=at_once)
        limited = await new_watcher(tx, number, Role.AGENT, rules=at_once)
        await accounts.change_user(tx, OPERATOR, PROVIDER_ID, id_of(limited), {"only_companies": [company.id]}, now=NOW)
        told = {RuleRole.REPORTER: [Notice.PRIORITY]}
        await preferences.change_contact_mail(tx, OPERATOR, company.id, rules=told, now=NOW)
        given = {
            "port": "SVC-1", "peer": str(other_tenant.company.id), "owner": str(id_of(watcher)), "region": "eu",
            "sure": True, "due": "2026-03-01T02:00:00Z",
        }  # fmt: skip
        await ticket_changes.change_ticket(
            tx, OPERATOR, number, {"fields": given, "priority": Priority.CRITICAL}, now=NOW
        )
        return email_of(watcher), email_of(agent), email_of(limited)

    customer, agent, limited = await rig.transact(work)
    await rig.advance(GROUPING_WINDOW)
    mails = {mail.to: " ".join(mail.text.split()) for mail in await rig.take_sent()}
    await no_fields(rig.database)
    peer = other_tenant.company
    for words in ("The port to Service 1", f"The peer to {peer.name}", "The region to Europe", "The sure to yes"):
        assert words in mails[agent]
    assert "The due to 1 Mar 2026 02:00 UTC" in mails[agent]
    assert "Region DE auf Europa" in mails[customer]
    assert "Port DE auf Service 1" in mails[customer]
    assert "The port to Service 1" in mails[CONTACT], "who is no user"
    for each in (limited, customer, CONTACT):
        assert str(peer.id) in mails[each].replace(" ", ""), "whose name they may not see"
    assert peer.name not in mails[customer] + mails[limited] + mails[CONTACT]


async def test_mail_about_a_new_ticket_names_what_was_said_of_the_fault(rig: NotificationRig) -> None:
    fault = Fault(
        testing_consent=TestingConsent.WITHIN_HOURS, testing_hours="22:00 to 04:00",
        site_access=SiteAccess("Guard", None, "Laser"),
    )  # fmt: skip

    async def work(tx: Tx) -> int:
        new = replace(a_new_ticket(), occurred_at=NOW - timedelta(hours=3), fault=fault)
        return (await tickets.create_ticket(tx, rig.tenant.actor, new, now=NOW)).ticket.number

    number = await rig.transact(work)
    await rig.advance(GROUPING_WINDOW)
    [mail] = await rig.take_sent()
    for words in ("1 Mar 2026 09:00 UTC", "22:00 to 04:00", "Guard; Laser"):
        assert words in " ".join(mail.text.split())
        assert words in mail.html
    await rig.transact(note(number, "We look into it.", OPERATOR))
    await rig.advance(GROUPING_WINDOW)
    [mail] = await rig.take_sent()
    assert "Guard; Laser" not in mail.text


@pytest.mark.parametrize("channel", [Channel.API, Channel.CONSOLE, Channel.EMAIL])
async def test_the_channel_of_a_text_decides_whether_its_marks_are_rendered(
    rig: NotificationRig, channel: Channel
) -> None:
    async def raise_ticket(tx: Tx) -> int:
        new = replace(a_new_ticket(), description="**Dark** since 11:40.", channel=channel)
        created = await tickets.create_ticket(tx, rig.tenant.actor, new, company_id=rig.tenant.company.id, now=NOW)
        return created.ticket.number

    number = await rig.transact(raise_ticket)
    await rig.record()
    await rig.transact(
        lambda tx: notes.append_note(tx, OPERATOR, number, "**Optic** changed.", channel=channel, now=NOW)
    )
    await rig.advance(GROUPING_WINDOW)
    [mail] = await rig.take_sent()
    for word in ("Dark", "Optic"):
        assert f"**{word}**" in mail.text
        assert (f"<strong>{word}</strong>" in mail.html) == (channel != Channel.EMAIL)


async def test_a_receipt_without_a_mailbox_says_how_to_answer(rig: NotificationRig) -> None:
    await rig.transact(lambda tx: tx.write("update mailbox set is_active = false"))
    await rig.transact(lambda tx: raised(tx, rig.tenant))
    await rig.advance(GROUPING_WINDOW)
    [mail] = await rig.take_sent()
    assert "contact us and name the number of the ticket" in mail.text
    assert "Reply to this mail" not in mail.text


async def add_mailbox(tx: Tx) -> None:
    await mailboxes.add_mailbox(
        tx, OPERATOR, {"address": f"support-{uuid4().hex}@example.net"}, secret_box=SecretBox(b"k"), now=NOW
    )


@pytest.mark.parametrize(
    ("service", "line"), [("NET-AMS-0012", "Service:   NET-AMS-0012"), (UNKNOWN_SERVICE, None), (" ", None)]
)
async def test_a_service_that_is_not_known_has_no_line(rig: NotificationRig, service: str, line: str | None) -> None:
    new = replace(a_new_ticket(), service_type=ServiceType.NON_CONSOLE, service_id=service)
    await rig.transact(lambda tx: tickets.create_ticket(tx, OPERATOR, new, company_id=rig.tenant.company.id, now=NOW))
    await rig.advance(GROUPING_WINDOW)
    [mail] = await rig.take_sent()
    assert [text for text in mail.text.splitlines() if text.startswith("Service:")] == ([line] if line else [])
    assert ("Service" in mail.html) == (line is not None)


@pytest.mark.parametrize(
    ("status", "customers", "staffs"),
    [
        (Status.PENDING, "Waiting for your answer", "Pending"),
        (Status.HELD, "On hold", "Held"),
        (Status.IN_PROGRESS, "In progress", "In progress"),
        (Status.REJECTED, "Rejected", "Rejected"),
    ],
)
async def test_a_status_is_in_the_words_of_its_reader(
    rig: NotificationRig, status: Status, customers: str, staffs: str
) -> None:
    async def work(tx: Tx) -> Actor:
        number = await raised(tx, rig.tenant)
        agent = await new_watcher(tx, number, Role.AGENT)
        await ticket_changes.move_ticket(tx, OPERATOR, number, status, reason="", now=NOW)
        return agent

    agent = await rig.transact(work)
    await rig.advance(GROUPING_WINDOW)
    mails = {mail.to: mail for mail in await rig.take_sent()}
    for to, first, after in (
        (CONTACT, "received", customers),
        (email_of(agent), "acknowledged", staffs),
    ):
        assert f"Changed the status from {first} to {after.lower()}." in mails[to].html
        assert f"Status:    {after}" in mails[to].text.splitlines()


async def test_times_are_in_the_zone_of_the_reader_and_name_it(rig: NotificationRig) -> None:
    async def work(tx: Tx) -> tuple[int, Actor, Actor]:
        number = await raised(tx, rig.tenant)
        first = await new_watcher(tx, number, Role.AGENT, time_zone="America/New_York")
        second = await new_watcher(tx, number, Role.AGENT, time_zone="Asia/Kathmandu")
        return number, first, second

    number, first, second = await rig.transact(work)
    await rig.transact(note(number, "News", OPERATOR))
    await rig.advance(GROUPING_WINDOW)
    texts = {mail.to: " ".join(mail.text.split()) for mail in await rig.take_sent()}
    assert "1 Mar 2026 07:00 EST" in texts[email_of(first)]
    assert "Times are in America/New_York." in texts[email_of(first)]
    assert "1 Mar 2026 17:45 UTC+05:45" in texts[email_of(second)]
    assert "Times are in Asia/Kathmandu." in texts[email_of(second)]
    assert "1 Mar 2026 12:00 UTC" in texts[CONTACT]


async def test_the_recipient_is_named(rig: NotificationRig) -> None:
    async def work(tx: Tx) -> tuple[int, Actor]:
        number = await raised(tx, rig.tenant)
        return number, await new_watcher(tx, number, Role.AGENT)

    number, agent = await rig.transact(work)
    await rig.transact(note(number, "News", OPERATOR))
    await rig.advance(GROUPING_WINDOW)
    headers = {message["To"].addresses[0].addr_spec: message for message in await rig.take_messages()}
    assert headers[CONTACT]["To"].addresses[0].display_name == "Ada Okoro"
    assert headers[email_of(agent)]["To"].addresses[0].display_name == agent.name


async def test_each_recipient_gets_the_page_for_its_kind_of_people(rig: NotificationRig) -> None:
    company = rig.tenant.company.name

    async def work(tx: Tx) -> tuple[int, Actor, Actor, Actor]:
        number = await raised(tx, rig.tenant)
        agent = await new_watcher(tx, number, Role.AGENT)
        viewer = await new_watcher(tx, number, Role.VIEWER)
        return number, agent, viewer, await new_watcher(tx, number, Role.CUSTOMER, company)

    number, agent, viewer, customer = await rig.transact(work)
    await rig.advance(GROUPING_WINDOW)
    await rig.take_sent()
    await rig.transact(note(number, "We are looking at it.", OPERATOR))
    await rig.advance(GROUPING_WINDOW)
    mails = {mail.to: mail for mail in await rig.take_sent()}
    inc = ticket_number(number)
    pages = {
        email_of(agent): f"{DESK}/console/tickets/{inc}",
        email_of(viewer): f"{DESK}/console/tickets/{inc}",
        email_of(customer): f"{DESK}/portal/tickets/{inc}",
    }
    assert mails.keys() == {*pages, CONTACT}
    for address, page in pages.items():
        assert page in mails[address].text.splitlines()
        assert f'href="{page}"' in mails[address].html
    for part in (mails[CONTACT].text, mails[CONTACT].html):
        assert "/tickets/" not in part
        assert "Open the ticket" not in part


async def test_a_digest_links_to_each_of_its_tickets(rig: NotificationRig) -> None:
    rules = {NotificationKind.PROVIDER_NOTE: DeliveryMode.DIGEST}

    async def work(tx: Tx) -> tuple[int, Actor]:
        number = await raised(tx, rig.tenant)
        return number, await new_watcher(
            tx, number, Role.CUSTOMER, rig.tenant.company.name, rules=rules, digest_at=time(18)
        )

    number, reader = await rig.transact(work)
    await rig.transact(note(number, "We are looking at it.", OPERATOR))
    await rig.advance(timedelta(hours=6))
    [mail] = [mail for mail in await rig.take_sent() if mail.to == email_of(reader) and mail.kind == "digest"]
    page = f"{DESK}/portal/tickets/{ticket_number(number)}"
    assert page in mail.text.splitlines()
    assert f'href="{page}"' in mail.html


async def test_the_digest_of_a_contact_has_no_link(rig: NotificationRig) -> None:
    rig.limit(RateLimits(per_address=0))
    await rig.transact(lambda tx: raised(tx, rig.tenant))
    await rig.advance(GROUPING_WINDOW)
    await rig.advance(timedelta(hours=1))
    [mail] = await rig.take_sent()
    assert (mail.to, mail.kind) == (CONTACT, "digest")
    assert "/tickets/" not in mail.text + mail.html


def test_the_links_are_those_of_the_pages() -> None:
    assert f"{STAFF_TICKETS}{{number}}" in {page.path for page in PAGES if page.method == "GET"}
    assert f"{CUSTOMER_TICKETS}{{number}}" in {page.path for page in PORTAL_PAGES if page.method == "GET"}
