"""For whom a sender may act, and which delivery reports suppress an address."""

import hmac
from hashlib import sha256
from uuid import uuid4

import pytest
from msgspec.structs import replace

from clearline.accounts import company_store
from clearline.accounts import usecases as accounts
from clearline.accounts.company_store import Ended
from clearline.identity import OPERATOR, Role
from clearline.mail.inbound import review_usecases as inbound_review
from clearline.mail.inbound import usecases as inbound_mail
from clearline.mail.inbound.domain import InboundMail, InboundState
from clearline.mail.outbound import usecases as outbound_mail
from clearline.mail.outbound.domain import MailState
from clearline.search import worker as indexing
from clearline.tickets import usecases as tickets
from clearline.tickets.attachments import usecases as attachments
from clearline.tickets.contact import Contact
from clearline.tickets.domain import Ticket, ticket_number
from clearline.tickets.note_domain import Visibility
from tests.builders.mail.inbound_rig import SECRET, SUPPORT, InboundMailRig, a_mail
from tests.builders.people import NOW, Tenant, email_of, new_person

pytestmark = pytest.mark.usefixtures("fresh_day")

STAFF_WITHOUT_THREAD = "it is from the provider's staff, but replies to no mail that was sent to them"


FINAL = "Final-Recipient: rfc822; {}"


@pytest.mark.parametrize(
    ("name", "fields", "status", "is_suppressed"),
    [
        ("bounce", FINAL, "5.1.1", True),
        ("bounce", FINAL, "5.1.10", True),
        ("bounce", "Final-Recipient: rfc822; elsewhere@example.org\r\nOriginal-Recipient: rfc822;<{}>", "5.1.2", True),
        ("bounce", "Final-Recipient: rfc822; elsewhere@example.org", "5.1.1", False),
        ("bounce", FINAL, "5.7.1", False),
        ("bounce", FINAL, "5.2.2", False),
        ("bounce", FINAL, "5.1.8", False),
        ("bounce", FINAL, "5.0.0", False),
        ("bounce-exim", "", "5.1.1", False),
        ("bounce-qmail", "", "", False),
    ],
)
async def test_a_bounce_suppresses_an_address_that_the_report_says_is_invalid(
    rig: InboundMailRig, name: str, fields: str, status: str, *, is_suppressed: bool
) -> None:
    ticket, to = await rig.ticket(), f"{uuid4().hex[:8]}@contact.example.org"
    raw = rig.corpus_mail(name, ticket, await rig.send_mail(ticket, to=to))
    raw = raw.replace(FINAL.format(rig.sender).encode(), fields.format(to.upper()).encode())
    raw = raw.replace(b"Message-ID: <bounce", f"Message-ID: <{uuid4().hex}".encode())
    raw = raw.replace(b"Status: 5.1.1", f"Status: {status}".encode()).replace(rig.sender.encode(), to.encode())
    mail = await rig.receive(raw)
    assert (mail.state, mail.ticket_number) == (InboundState.BOUNCE, ticket.number)
    async with rig.database.transaction() as tx:
        [sent] = await outbound_mail.list_mails(tx, OPERATOR, ticket_number=ticket.number, limit=5)
        assert await outbound_mail.may_mail(tx, to) is not is_suppressed
    assert sent.state is MailState.BOUNCED


@pytest.mark.parametrize(("before", "state"), [(9, InboundState.BOUNCE), (10, InboundState.IGNORED)])
async def test_at_most_ten_mails_of_a_delivery_report_are_looked_up(
    rig: InboundMailRig, before: int, state: InboundState
) -> None:
    ticket = await rig.ticket()
    raw = rig.corpus_mail("bounce-headers-only", ticket, await rig.send_mail(ticket))
    raw = raw.replace(b"<bounce", f"<{uuid4().hex}".encode())
    others = "".join(f"Message-ID: <{uuid4().hex}@example.org>\r\n" for _ in range(before)).encode()
    mark = b"Content-Type: text/rfc822-headers\r\n\r\n"
    assert (await rig.receive(raw.replace(mark, mark + others))).state is state


@pytest.mark.parametrize("kind", ["a mail to them", "a reply that was received", "a mail to another"])
async def test_staff_reply_only_to_mail_that_was_sent_to_them(rig: InboundMailRig, kind: str) -> None:
    ticket = await rig.ticket()
    assert rig.staff.user is not None
    address = rig.staff.user.email
    answered = {
        "a mail to them": await rig.send_mail(ticket, to=address.upper()),
        "a reply that was received": (await rig.receive(a_mail(rig.sender, rig.reply_to(ticket)))).message_id,
        "a mail to another": await rig.send_mail(ticket),
    }[kind]
    before = len(await rig.notes(ticket.number))
    mail = await rig.receive(a_mail(address, SUPPORT, "Pay here", head=f"References: {answered}\r\n"))
    if kind == "a mail to them":
        assert (mail.state, mail.ticket_number) == (InboundState.ACCEPTED, ticket.number)
        assert (await rig.notes(ticket.number))[-1].visibility is Visibility.INTERNAL
    else:
        assert (mail.state, mail.company_id, mail.ticket_number) == (InboundState.QUARANTINED, None, None)
        assert len(await rig.notes(ticket.number)) == before


@pytest.mark.parametrize("sent_to", ["the customer", "a colleague", "them", "nobody in particular"])
async def test_staff_write_to_a_reply_address_only_if_it_was_sent_to_them(rig: InboundMailRig, sent_to: str) -> None:
    ticket = await rig.ticket()
    assert rig.staff.user is not None
    async with rig.database.transaction() as tx:
        colleague = email_of(await new_person(tx, "Mara Lind"))
    address = rig.staff.user.email
    to = {
        "the customer": rig.reply_to(ticket),
        "a colleague": rig.reply_to(ticket, colleague),
        "them": rig.reply_to(ticket, address.upper()),
        "nobody in particular": earlier_reply_address(ticket),
    }[sent_to]
    mail = await rig.receive(a_mail(address, to, "Pay here", subject=f"Re: [{ticket_number(ticket.number)}] Port"))
    notes = [(note.author, note.visibility) for note in await rig.notes(ticket.number)]
    if sent_to == "them":
        assert (mail.state, mail.ticket_number) == (InboundState.ACCEPTED, ticket.number)
        assert notes == [("Ben Ito", Visibility.INTERNAL)]
    else:
        assert (mail.state, mail.reason) == (InboundState.QUARANTINED, STAFF_WITHOUT_THREAD)
        assert notes == []


async def test_staff_who_reply_to_a_forwarded_mail_of_the_customer_are_quarantined(rig: InboundMailRig) -> None:
    ticket = await rig.ticket()
    assert rig.staff.user is not None
    head = f"In-Reply-To: {await rig.send_mail(ticket)}\r\n"
    mail = await rig.receive(a_mail(rig.staff.user.email, rig.reply_to(ticket), "Which port?", head=head))
    assert (mail.state, mail.reason) == (InboundState.QUARANTINED, STAFF_WITHOUT_THREAD)
    assert await rig.notes(ticket.number) == []


async def test_the_mail_that_staff_reply_to_counts_beside_an_old_reply_address(rig: InboundMailRig) -> None:
    ticket = await rig.ticket()
    assert rig.staff.user is not None
    head = f"In-Reply-To: {await rig.send_mail(ticket, to=rig.staff.user.email)}\r\n"
    mail = await rig.receive(a_mail(rig.staff.user.email, earlier_reply_address(ticket), "It is the optic", head=head))
    assert (mail.state, mail.ticket_number) == (InboundState.ACCEPTED, ticket.number)


async def test_an_address_of_the_staff_on_the_side_of_the_customer_stays_that_of_staff(rig: InboundMailRig) -> None:
    assert rig.staff.user is not None
    address = rig.staff.user.email
    ticket = await rig.ticket(contact=address)
    async with rig.database.transaction() as tx:
        code = rig.tenant.company.code
        await accounts.add_user(tx, OPERATOR, code, name="Ben as customer", email=address, phone="", now=NOW)
    forged = await rig.receive(a_mail(address, rig.reply_to(ticket), "Pay here"))
    assert (forged.state, forged.reason) == (InboundState.QUARANTINED, STAFF_WITHOUT_THREAD)
    mail = await rig.receive(a_mail(address, rig.reply_to(ticket, address), "The optic is dirty"))
    assert mail.state is InboundState.ACCEPTED
    assert [(note.author, note.visibility) for note in await rig.notes(ticket.number)] == [
        ("Ben Ito", Visibility.INTERNAL)
    ]


@pytest.mark.parametrize("also_user", [False, True])
async def test_a_deactivated_person_of_the_staff_writes_no_notes(rig: InboundMailRig, *, also_user: bool) -> None:
    ticket = await rig.ticket()
    async with rig.database.transaction() as tx:
        gone = await new_person(tx, "Gil Roe")
        address = email_of(gone)
        await accounts.change_user(tx, OPERATOR, "PROVIDER", address, {"is_active": False}, now=NOW)
        if also_user:
            code = rig.tenant.company.code
            await accounts.add_user(tx, OPERATOR, code, name="Gil as customer", email=address, phone="", now=NOW)
    for to in (rig.reply_to(ticket, address), rig.reply_to(ticket), SUPPORT):
        mail = await rig.receive(a_mail(address, to, "I still write"))
        assert mail.state is InboundState.QUARANTINED
    assert await rig.notes(ticket.number) == []


async def test_a_forwarded_reply_address_serves_the_colleagues_of_its_recipient_only(rig: InboundMailRig) -> None:
    ticket = await rig.ticket()
    async with rig.database.transaction() as tx:
        colleague = email_of(await new_person(tx, "Cleo Marsh", Role.CUSTOMER, company=rig.tenant.company.code))
    own = await rig.receive(a_mail(colleague, rig.reply_to(ticket), "From a colleague"))
    assert (own.state, own.ticket_number) == (InboundState.ACCEPTED, ticket.number)
    for stranger in (rig.other.user.email, "eve@example.org"):
        mail = await rig.receive(a_mail(stranger, rig.reply_to(ticket), "From outside"))
        assert mail.state is InboundState.QUARANTINED
    assert [note.author for note in await rig.notes(ticket.number)] == ["Cleo Marsh"]


def earlier_reply_address(ticket: Ticket) -> str:
    """Return the reply address of a ticket as earlier versions wrote it: the same for all recipients."""
    name = ticket_number(ticket.number)
    digits = hmac.new(SECRET, f"reply {name}".encode(), sha256).hexdigest()[:16]
    return SUPPORT.replace("@", f"+{name}-{digits}@")


async def test_notes_by_mail_of_the_staff_are_internal(rig: InboundMailRig) -> None:
    ticket = await rig.ticket()
    assert rig.staff.user is not None
    await rig.receive(rig.corpus_mail("staff-with-a-file", ticket, "").replace(b"See the log.", b"x" * 5000))
    assert {file.name for file in await rig.files(ticket.number)} == {"log.txt", "mail.txt"}
    async with rig.database.transaction() as tx:
        visible = await tickets.get_ticket_with_notes(tx, rig.tenant.actor, ticket.number)
        assert visible.notes == []
        assert await attachments.list_attachments(tx, rig.tenant.actor, ticket.number) == []


async def release(rig: InboundMailRig, mail: InboundMail, to: Tenant | Ticket) -> None:
    async with rig.database.transaction() as tx:
        if isinstance(to, Ticket):
            await inbound_review.release_to_ticket(tx, rig.staff, mail.id, to.number, context=rig.context, now=rig.at)
        else:
            await inbound_review.release_as_ticket(
                tx, rig.staff, mail.id, to.company.code, context=rig.context, now=rig.at
            )


async def test_the_contact_of_a_ticket_raises_no_tickets_of_its_company(rig: InboundMailRig) -> None:
    address = f"{uuid4().hex[:8]}@contact.example.org"
    ticket = await rig.ticket(contact=address)
    for job in indexing.jobs(rig.database):
        while await job.run():
            pass
    answer = await rig.receive(a_mail(address, rig.reply_to(ticket), "An answer"))
    assert (answer.state, answer.ticket_number) == (InboundState.ACCEPTED, ticket.number)
    fresh = await rig.receive(a_mail(address, SUPPORT, "A new matter"))
    assert (fresh.state, fresh.reason) == (InboundState.QUARANTINED, "its sender is unknown")
    assert (fresh.company_id, fresh.ticket_number) == (None, None)


@pytest.mark.parametrize("as_note", [True, False])
async def test_a_sender_released_for_exactly_one_company_raises_tickets(rig: InboundMailRig, *, as_note: bool) -> None:
    address = f"{uuid4().hex[:8]}@contact.example.org"
    first = await rig.receive(a_mail(address, SUPPORT, "A first matter"))
    assert first.state is InboundState.QUARANTINED
    await release(rig, first, await rig.ticket() if as_note else rig.tenant)
    second = await rig.receive(a_mail(f"Cleo Marsh <{address.upper()}>", SUPPORT, "A new matter"))
    assert (second.state, second.company_id) == (InboundState.ACCEPTED, rig.tenant.company.id)
    async with rig.database.transaction() as tx:
        raised = (await tickets.get_ticket(tx, OPERATOR, second.ticket_number or 0)).ticket
    assert raised.contact == Contact("Cleo Marsh", "", address)
    other = await rig.ticket(tenant=rig.other, contact=address)
    quarantined = await rig.receive(a_mail("eve@example.org", rig.reply_to(other)))
    async with rig.database.transaction() as tx:
        await tx.write("update inbound_mail set sender = $2 where id = $1", quarantined.id, address)
    await release(rig, quarantined, other)
    unclear = await rig.receive(a_mail(address, SUPPORT, "A new matter"))
    assert (unclear.state, unclear.reason) == (InboundState.QUARANTINED, "its sender belongs to several companies")


async def test_a_different_mail_with_the_same_message_id_is_stored(rig: InboundMailRig) -> None:
    async def keep(text: str, sender: str = "robot@example.com") -> bool:
        raw = (
            f"From: {sender}\r\nTo: {SUPPORT}\r\nSubject: Alarm\r\nMessage-ID: <constant@example.com>\r\n\r\n{text}\r\n"
        ).encode()
        async with rig.database.transaction() as tx:
            stored = await inbound_mail.receive(
                tx, rig.mailbox, raw, envelope_from=sender, envelope_to=[SUPPORT], now=rig.at
            )
        return stored is not None

    assert await keep("Port one is down")
    assert not await keep("Port one is down")
    assert not await keep("Port one is down  \r\n")
    assert await keep("Port two is down")
    assert await keep("Port one is down", "thief@example.com")


async def test_a_mail_that_a_full_ticket_cannot_take_is_quarantined(
    rig: InboundMailRig,
) -> None:
    ticket = await rig.ticket()
    rig = replace(rig, context=replace(rig.context, notes_max=1))
    states = []
    for _ in range(2):
        mail = await rig.receive(a_mail(ticket.contact.email, rig.reply_to(ticket), "Still down"))
        states.append((mail.state, mail.reason))
    full = "a ticket has at most 1 notes: raise a new ticket and link it"
    assert states == [(InboundState.ACCEPTED, None), (InboundState.QUARANTINED, full)]


LISTED = [
    "List-Id: NOC <noc.example.com>",
    "Precedence: list",
    "Precedence: bulk",
    "X-Autoreply: yes",
    "Precedence: junk",
]


@pytest.mark.parametrize("header", LISTED)
async def test_a_mail_of_somebody_known_to_a_list_is_a_ticket_without_a_receipt(
    rig: InboundMailRig, header: str
) -> None:
    for head, receipt in ((f"{header}\r\n", {"sends_receipt": False}), ("", {})):
        mail = await rig.receive(a_mail(rig.sender, SUPPORT, "Port 7 is down", head=head))
        assert (mail.state, mail.note_number) == (InboundState.ACCEPTED, None), mail.reason
        async with rig.database.transaction() as tx:
            [created, *_] = await tickets.history(tx, OPERATOR, mail.ticket_number or 0)
        assert created.data == {"status": "acknowledged", "priority": "low", "channel": "Email", **receipt}


@pytest.mark.parametrize("header", LISTED)
async def test_a_mail_of_somebody_unknown_to_a_list_is_quarantined(rig: InboundMailRig, header: str) -> None:
    mail = await rig.receive(a_mail(f"{uuid4().hex[:6]}@example.org", SUPPORT, head=f"{header}\r\n"))
    assert (mail.state, mail.reason) == (InboundState.QUARANTINED, "its sender is unknown")


@pytest.mark.parametrize(
    "subject",
    [
        "Out of office hours: who do we call about a dead port?",
        "Auto: negotiation fails",
        "Automatic reply: Port is slow",
        "Abwesenheitsnotiz: Port",
        "Undelivered frames on port 7",
        "Delivery Status Notification of our carrier",
    ],
)
async def test_a_subject_proves_nothing(rig: InboundMailRig, subject: str) -> None:
    mail = await rig.receive(a_mail(rig.sender, SUPPORT, "Please help.", subject))
    assert (mail.state, mail.note_number) == (InboundState.ACCEPTED, None), mail.reason


@pytest.mark.parametrize(
    ("head", "envelope_from", "reason"),
    [
        ("Auto-Submitted: auto-replied\r\n", None, "it has the header Auto-Submitted: auto-replied"),
        ("AUTO-SUBMITTED: Auto-Generated; x\r\n", None, "it has the header Auto-Submitted: auto-generated"),
        ("", "", "its envelope sender is empty"),
    ],
)
async def test_only_what_a_program_says_of_itself_makes_it_one(
    rig: InboundMailRig, head: str, envelope_from: str | None, reason: str
) -> None:
    mail = await rig.receive(a_mail(rig.sender, SUPPORT, head=head), envelope_from=envelope_from)
    assert (mail.state, mail.reason) == (InboundState.IGNORED, reason)


@pytest.mark.parametrize("value", ["no", "No; x=y", "(written by Ada) no", "no (really)"])
async def test_a_mail_that_says_that_a_person_sent_it_is_believed(rig: InboundMailRig, value: str) -> None:
    mail = await rig.receive(a_mail(rig.sender, SUPPORT, head=f"Auto-Submitted: {value}\r\n"))
    assert mail.state is InboundState.ACCEPTED, mail.reason


DELAYED = "Final-Recipient: rfc822; a@example.org\r\nAction: delayed\r\nStatus: 4.2.0\r\n"
FAILED = "Final-Recipient: rfc822; b@example.org\r\nAction: {action}\r\nStatus: {status}\r\n"
REPORT_PART = "--b1\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example.com\r\n\r\n"


@pytest.mark.parametrize("status", ["4.4.1", "4.4.7", "4.7.1", "5.0.0", "5.1.1", "2.0.0", ""])
@pytest.mark.parametrize(
    "blocks",
    [
        REPORT_PART + FAILED,
        REPORT_PART + DELAYED + "\r\n" + FAILED,
        REPORT_PART + DELAYED + "\r\n" + REPORT_PART + FAILED,
        REPORT_PART + FAILED.replace("Action: {action}", "ACTION:   {action}  "),
    ],
)
async def test_a_failure_is_final_whatever_its_status(rig: InboundMailRig, blocks: str, status: str) -> None:
    ticket = await rig.ticket()
    message_id = await rig.send_mail(ticket)
    for action, state in (("failed", InboundState.BOUNCE), ("delayed", InboundState.IGNORED)):
        report = blocks.format(action=action, status=status)
        raw = (
            "From: MAILER-DAEMON@mx.example.com\r\nMIME-Version: 1.0\r\n"
            'Content-Type: multipart/report; report-type=delivery-status; boundary="b1"\r\n\r\n'
            f"{report}\r\n--b1\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: {message_id}\r\n\r\nHello\r\n--b1--"
        )
        assert (await rig.receive(raw.encode(), envelope_from="")).state is state


async def test_contacts_and_known_senders_of_a_deactivated_company_are_in_quarantine(rig: InboundMailRig) -> None:
    contact, known = [f"{uuid4().hex[:8]}@contact.example.org" for _ in range(2)]
    ticket = await rig.ticket(contact=contact)
    company_id = rig.tenant.company.id
    async with rig.database.transaction() as tx:
        await tx.write(
            """insert into inbound_mail (id, received_at, fingerprint, body_hash, envelope_from, envelope_to, sender,
                                         size, state, company_id, ticket_number)
               values (gen_random_uuid(), $1, sha256($2::bytea), sha256('b'), $5, $3, $5, 1, 'accepted', $4, 1)""",
            NOW,
            known.encode(),
            SUPPORT,
            company_id,
            known,
        )

    async def states() -> list[InboundState]:
        answer = a_mail(contact, SUPPORT, uuid4().hex, subject=f"Re: [{ticket_number(ticket.number)}] Port")
        return [(await rig.receive(mail)).state for mail in (answer, a_mail(known, SUPPORT, uuid4().hex))]

    async with rig.database.transaction() as tx:
        await company_store.set_ended(tx, company_id, Ended([], [], mails_contacts=True), now=NOW)
    assert await states() == [InboundState.QUARANTINED] * 2
    async with rig.database.transaction() as tx:
        await company_store.set_ended(tx, company_id, None, now=NOW)
    assert await states() == [InboundState.ACCEPTED] * 2
