"""What notification mails and digests contain, for whom, and how many are sent."""

from datetime import time, timedelta
from hashlib import sha256
from uuid import uuid4

import pytest

from clearline.accounts import usecases as accounts
from clearline.branding import usecases as branding
from clearline.branding.accent import mail_accent
from clearline.events.event_types import NotificationKind
from clearline.identity import OPERATOR, PROVIDER_ID, Actor, Role
from clearline.mail.outbound.domain import RateLimits
from clearline.notifications import preference_usecases as preferences
from clearline.notifications.domain import DeliveryMode
from clearline.notifications.recipients import GROUPING_WINDOW
from clearline.platform.database.transactions import Tx
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets import usecases as tickets
from clearline.tickets.attachments import store as attachment_store
from clearline.tickets.attachments.domain import Attachment
from clearline.tickets.domain import Status, ticket_number
from clearline.tickets.links import watcher_usecases as watchers
from clearline.tickets.note_domain import Source, Visibility
from tests.builders.mail.notification_rig import CONTACT, NotificationRig, new_watcher, note
from tests.builders.people import NOW, email_of, id_of, new_person, new_tenant
from tests.builders.tickets import a_new_ticket, raised

PER_ADDRESS = RateLimits().per_address


async def test_events_of_a_ticket_within_half_a_minute_make_one_mail(rig: NotificationRig) -> None:
    number = await rig.transact(lambda tx: raised(tx, rig.tenant))
    await rig.record()
    rig.now += timedelta(seconds=20)
    await rig.transact(note(number, "We are looking at it.", OPERATOR))
    await rig.transact(
        lambda tx: ticket_changes.move_ticket(tx, OPERATOR, number, Status.IN_PROGRESS, reason="", now=NOW)
    )
    await rig.record()
    assert await rig.compose() == 0
    assert await rig.advance(timedelta(seconds=10)) == 1
    [mail] = await rig.take_sent()
    assert mail[:4] == (CONTACT, "notification", number, f"[{ticket_number(number)}] Port is slow")
    for words in (
        "Raised the ticket.",
        "We are looking at it.",
        "Changed the status from received to in progress.",
    ):
        assert words in mail.text
        assert words in mail.html
    assert await rig.pending_count() == 0
    assert await rig.compose() == 0
    await rig.transact(note(number, "Mended.", OPERATOR))
    assert await rig.advance(GROUPING_WINDOW) == 1
    [mail] = await rig.take_sent()
    assert "Mended." in mail.text
    assert "We are looking" not in mail.text


async def test_each_ticket_and_each_person_gets_a_separate_mail(rig: NotificationRig) -> None:
    async def work(tx: Tx) -> list[int]:
        numbers = [await raised(tx, rig.tenant) for _ in range(2)]
        for number in numbers:
            await new_watcher(tx, number, Role.AGENT)
        return numbers

    numbers = await rig.transact(work)
    for number in numbers:
        await rig.transact(note(number, f"About {number}", OPERATOR))
    await rig.advance(GROUPING_WINDOW)
    mails = await rig.take_sent()
    assert sorted(mail.number or 0 for mail in mails) == sorted([*numbers, *numbers])
    assert all(f"About {mail.number}" in mail.text for mail in mails)
    assert len({mail.to for mail in mails}) == 3


async def test_a_receipt_has_the_ticket_number(rig: NotificationRig) -> None:
    async def work(tx: Tx) -> int:
        new = a_new_ticket()
        created = await tickets.create_ticket(tx, OPERATOR, new, company_id=rig.tenant.company.id, now=NOW)
        return created.ticket.number

    number = await rig.transact(work)
    await rig.advance(GROUPING_WINDOW)
    [mail] = await rig.take_sent()
    assert f"We have received the ticket. Its number is {ticket_number(number)}." in mail.text
    assert "because a ticket names you as its contact" in " ".join(mail.text.split())


SECRET = "the-internal-words"


async def test_internal_text_is_in_no_mail_to_a_customer_even_if_a_notification_is_forged(
    rig: NotificationRig,
) -> None:
    """Even for a forged notification, the text is read only for users who may see it."""

    async def work(tx: Tx) -> tuple[int, Actor, Actor]:
        number = await raised(tx, rig.tenant)
        customer = await new_watcher(tx, number, Role.CUSTOMER_ADMIN, rig.tenant.company.code)
        agent = await new_watcher(tx, number, Role.AGENT)
        return number, customer, agent

    number, customer, agent = await rig.transact(work)
    await rig.transact(note(number, SECRET, OPERATOR, Visibility.INTERNAL))
    await rig.transact(note(number, "for all", OPERATOR))
    await rig.record()

    async def forge(tx: Tx) -> None:
        for recipient, company_id, user_id in (
            (email_of(customer), rig.tenant.company.id, id_of(customer)),
            (CONTACT, None, None),
        ):
            for kind, data in (
                ("note.added", '{"visibility": "internal", "source": "seller"}'),
                ("note.added", '{"visibility": "public", "source": "seller"}'),
                ("ticket.assigned", '{"before": null, "after": null, "by": "manual"}'),
                ("attachment.added", f'{{"visibility": "public", "id": "{file_id}", "size": 3}}'),
            ):
                await tx.write(
                    """insert into notification (company_id, recipient, user_company_id, user_id, ticket_number,
                           note_number, event_id, type, data, actor_name, at, channel, due_at)
                       select $1, $2, $3, $4, $5, (select number from note where text = $6 and ticket_number = $5),
                              -nextval('ticket_number'), $7, $8::jsonb, 'Forged', $9, 'email', $9""",
                    rig.tenant.company.id, recipient, company_id, user_id, number, SECRET, kind, data, NOW,
                )  # fmt: skip

    file_id = uuid4()
    hidden = Attachment(
        rig.tenant.company.id, number, file_id, f"{SECRET}.txt", "text/plain", 3, sha256(b"x").digest(),
        Visibility.INTERNAL, Source.SELLER, "Mara", None, NOW,
    )  # fmt: skip
    await rig.transact(lambda tx: attachment_store.insert(tx, hidden))
    await rig.record()
    await rig.transact(forge)
    await rig.advance(GROUPING_WINDOW)
    mails = await rig.take_sent()
    assert {mail.to for mail in mails} == {CONTACT, email_of(customer), email_of(agent)}
    for mail in mails:
        says = SECRET in mail.text, SECRET in mail.html, "for all" in mail.text
        assert says == ((True, True, True) if mail.to == email_of(agent) else (False, False, True))
        assert ("(internal)" in mail.text) == (mail.to == email_of(agent))
        assert "agent" not in mail.text.lower() or mail.to == email_of(agent)
    assert await rig.pending_count() == 0


async def test_a_digest_has_all_notifications_of_a_user_and_is_sent_on_time(rig: NotificationRig) -> None:
    rules = {NotificationKind.PROVIDER_NOTE: DeliveryMode.DIGEST, NotificationKind.CUSTOMER_NOTE: DeliveryMode.DIGEST}

    async def work(tx: Tx) -> tuple[list[int], Actor]:
        numbers = [await raised(tx, rig.tenant, f"Ticket {place}") for place in range(3)]
        reader = await new_watcher(
            tx, numbers[0], Role.AGENT, rules=rules, digest_at=time(18), time_zone="Europe/Amsterdam"
        )
        for number in numbers[1:]:
            await watchers.watch(tx, OPERATOR, number, id_of(reader), now=NOW)
        return numbers, reader

    numbers, reader = await rig.transact(work)
    await notifications_off_for_contacts(rig)
    for number in numbers:
        await rig.transact(note(number, f"From the provider on {number}", OPERATOR))
        await rig.transact(note(number, f"From the customer on {number}", rig.tenant.actor))
    await rig.transact(note(numbers[0], "x" * 400, OPERATOR))
    await rig.advance(timedelta(hours=4))  # 16:00 UTC is 17:00 there
    assert await rig.take_sent() == []
    await rig.advance(timedelta(hours=1))
    [mail] = await rig.take_sent()
    assert (mail.to, mail.kind, mail.number, mail.subject) == (
        email_of(reader), "digest", None, "7 updates to 3 tickets",
    )  # fmt: skip
    for place, number in enumerate(numbers):
        for words in (
            f"Ticket {place}",
            ticket_number(number),
            f"From the provider on {number}",
            "1 Mar 2026 13:00 CET",
        ):
            assert words in mail.text
            assert words in mail.html
    assert "x" * 297 + "..." in mail.html
    assert "x" * 298 not in mail.html
    assert await rig.pending_count() == 0


async def notifications_off_for_contacts(rig: NotificationRig) -> None:
    company_id = rig.tenant.company.id
    await rig.transact(lambda tx: preferences.change_contact_mail(tx, OPERATOR, company_id, mails=False, now=NOW))


async def test_an_address_with_sixty_mails_within_an_hour_gets_the_others_in_a_digest(rig: NotificationRig) -> None:
    numbers = [await rig.transact(lambda tx: raised(tx, rig.tenant)) for _ in range(PER_ADDRESS + 5)]
    await rig.record()
    rig.now += GROUPING_WINDOW
    await rig.compose()
    async with rig.database.statement() as tx:
        assert await tx.fetchval("select count(*) from outbound_mail") == PER_ADDRESS
        assert await tx.fetchval("select count(*) from notification where channel = 'digest'") == 5
    await rig.transact(note(numbers[0], "And another thing", OPERATOR))
    await rig.advance(timedelta(minutes=1))
    async with rig.database.statement() as tx:
        assert await tx.fetchval("select count(*) from outbound_mail") == PER_ADDRESS
    await rig.take_sent()
    rig.now += timedelta(hours=1)
    await rig.compose()
    [mail] = await rig.take_sent()
    assert (mail.to, mail.kind, mail.subject) == (CONTACT, "digest", "6 updates to 6 tickets")
    assert "And another thing" in mail.text
    assert await rig.pending_count() == 0


async def test_a_contact_of_two_companies_gets_a_digest_for_each(rig: NotificationRig) -> None:
    rig.limit(RateLimits(per_address=0))
    other = await new_tenant(rig.database)
    own = await rig.transact(lambda tx: raised(tx, rig.tenant))
    foreign = await rig.transact(lambda tx: raised(tx, other))
    await rig.advance(GROUPING_WINDOW)
    assert await rig.take_sent() == []
    await rig.advance(timedelta(hours=1))
    mails = await rig.take_sent()
    assert [(mail.to, mail.kind) for mail in mails] == [(CONTACT, "digest")] * 2
    assert sorted((ticket_number(own) in mail.text, ticket_number(foreign) in mail.text) for mail in mails) == [
        (False, True), (True, False),
    ]  # fmt: skip


@pytest.mark.parametrize("change", ["inactive", "contacts off"])
async def test_a_recipient_who_became_inactive_before_the_mail_is_composed_gets_none(
    rig: NotificationRig, change: str
) -> None:
    async def work(tx: Tx) -> tuple[int, Actor]:
        number = await raised(tx, rig.tenant)
        return number, await new_watcher(tx, number, Role.AGENT)

    number, agent = await rig.transact(work)
    await rig.transact(note(number, "News", OPERATOR))
    await rig.record()
    if change == "inactive":
        await rig.transact(
            lambda tx: accounts.change_user(tx, OPERATOR, PROVIDER_ID, id_of(agent), {"is_active": False}, now=NOW)
        )
    else:
        await notifications_off_for_contacts(rig)
    await rig.advance(GROUPING_WINDOW)
    assert {mail.to for mail in await rig.take_sent()} == ({CONTACT} if change == "inactive" else {email_of(agent)})
    assert await rig.pending_count() == 0


async def test_an_agent_reads_the_assignee_and_a_customer_does_not(rig: NotificationRig) -> None:
    async def work(tx: Tx) -> tuple[int, Actor]:
        agent = await new_person(tx, "Jonas Pihl")
        number = await raised(tx, rig.tenant)
        await ticket_changes.assign(tx, OPERATOR, number, id_of(agent), now=NOW)
        return number, agent

    _number, agent = await rig.transact(work)
    await rig.advance(GROUPING_WINDOW)
    mails = {mail.to: mail for mail in await rig.take_sent()}
    assert "Assigned the ticket to you." in mails[email_of(agent)].text
    assert "Assigned to you" in mails[email_of(agent)].text
    assert "Jonas" not in mails[CONTACT].text


async def test_customers_read_how_the_support_is_reached_and_agents_do_not(rig: NotificationRig) -> None:
    values = {"support_hours": "Always", "support_phone": "+1-555-0100", "footer": "Example & Sons\n1 Example Street"}
    accent = mail_accent(300)

    async def work(tx: Tx) -> tuple[int, Actor, Actor]:
        await branding.change_branding(tx, OPERATOR, {**values, "accent_hue": 300}, now=NOW)
        number = await raised(tx, rig.tenant)
        rules = {NotificationKind.PROVIDER_NOTE: DeliveryMode.DIGEST}
        reader = await new_watcher(
            tx, number, Role.CUSTOMER, rig.tenant.company.code, rules=rules, digest_at=time(18), time_zone="UTC"
        )
        agent = await new_person(tx)
        await ticket_changes.assign(tx, OPERATOR, number, id_of(agent), now=NOW)
        return number, agent, reader

    number, agent, reader = await rig.transact(work)
    await rig.transact(note(number, "The port is up.", OPERATOR))
    try:
        await rig.advance(GROUPING_WINDOW)
        mails = {mail.to: mail for mail in await rig.take_sent()}
        await rig.advance(timedelta(hours=10))
        mails |= {mail.to: mail for mail in await rig.take_sent()}
    finally:
        await rig.transact(
            lambda tx: branding.change_branding(
                tx, OPERATOR, {**dict.fromkeys(values, ""), "accent_hue": None}, now=NOW
            )
        )
    assert "+1-555-0100" not in mails[email_of(agent)].text
    assert all(accent.light in mail.html for mail in mails.values())
    assert mails[email_of(reader)].kind == "digest"
    for mail in (mails[CONTACT], mails[email_of(reader)]):
        lines = ["Support hours: Always", "Support phone: +1-555-0100", "Example & Sons", "1 Example Street"]
        assert mail.text.splitlines()[-4:] == lines
        assert "<br>Example &amp; Sons" in " ".join(mail.html.split())
