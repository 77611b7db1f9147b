"""Mail of agents that goes to the customer, and that which must not."""

from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from msgspec.structs import replace

from clearline.accounts import usecases as accounts
from clearline.identity import OPERATOR, Actor, Role
from clearline.mail.inbound import review_usecases as inbound_review
from clearline.mail.inbound.domain import InboundMail, InboundState
from clearline.mail.inbound.staff_replies.domain import Notices, StaffReplies
from clearline.mail.inbound.staff_replies.notice import REPLY_NOT_SENT
from clearline.mail.outbound import usecases as outbound_mail
from clearline.mail.outbound.compose import decode
from clearline.notifications import preference_usecases as preferences
from clearline.platform.database.transactions import Database
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets import usecases as tickets
from clearline.tickets.attachments import usecases as attachments
from clearline.tickets.domain import Status, Ticket
from clearline.tickets.note_domain import Visibility
from clearline.web.mail import render
from tests.builders.mail.inbound_rig import SETTINGS, SUPPORT, InboundMailRig, a_mail, new_inbound_rig
from tests.builders.mail.notification_rig import NotificationRig
from tests.builders.people import NOW, email_of, new_person

pytestmark = pytest.mark.usefixtures("fresh_day")

SERVER = "mx.example.net"
PUBLIC, INTERNAL = Visibility.PUBLIC, Visibility.INTERNAL
NOTE = "The optic of the core router is broken.\nThe customer must not hear of it before Monday."
OFF = "replies to customers by mail are off in the notification preferences of the sender"
UNVERIFIED = f"{SERVER} did not verify the sender of the mail"
NOT_ALONE = "#public must stand alone on the first line of the mail"
QUOTE = "a quoted or forwarded mail is part of the text"
NO_ANSWER = "it answers no mail of the desk to its sender that is still kept"


@pytest.fixture(scope="module")
async def rig(database: Database, tmp_path_factory: pytest.TempPathFactory) -> InboundMailRig:
    """Return a rig of a desk that lets agents reply by mail, with an agent who turned it on."""
    rig = await new_inbound_rig(database, Path(tmp_path_factory.mktemp("blobs")))
    await turn_on(rig, rig.staff)
    return replace(rig, context=replace(rig.context, staff_replies=StaffReplies(SERVER, Notices(render, SETTINGS))))


async def turn_on(rig: InboundMailRig, who: Actor, *, on: bool = True) -> None:
    async with rig.database.transaction() as tx:
        await preferences.change_own(tx, who, {"replies_by_mail": on}, now=NOW)


def verified(address: str) -> str:
    """Return the header with which our mail server says that it verified a sender."""
    return f"Authentication-Results: {SERVER}; dmarc=pass header.from={address.rpartition('@')[2]}\r\n"


async def answer(
    rig: InboundMailRig,
    ticket: Ticket,
    text: str,
    *,
    who: Actor | None = None,
    head: str | None = None,
    subject: str = "Re: Port",
    **options: Any,
) -> InboundMail:
    """Receive the answer of an agent to a mail about a ticket, with a quote of that mail below."""
    address = email_of(who or rig.staff)
    sent = await rig.send_mail(ticket, to=address, text=f"INC: Port is slow\n\nMara Lind (internal):\n\n{NOTE}\n")
    quote = NOTE.replace("\n", "\r\n> ")
    text = f"{text}\r\n\r\nOn 29 Nov 2026 at 10:00, Support <{SUPPORT}> wrote:\r\n> {quote}"
    head = f"In-Reply-To: {sent}\r\n{verified(address) if head is None else head}"
    return await rig.receive(a_mail(address, rig.reply_to(ticket, address), text, subject, head), **options)


async def notes(rig: InboundMailRig, ticket: Ticket) -> list[tuple[str, Visibility, str]]:
    return [(note.author, note.visibility, note.text) for note in await rig.notes(ticket.number)]


async def notices(rig: InboundMailRig, ticket: Ticket) -> list[tuple[str, str]]:
    """Return the recipient and text of each mail that says why a mail was not sent to the customer."""
    async with rig.database.transaction() as tx:
        mails = await outbound_mail.list_mails(tx, OPERATOR, ticket_number=ticket.number, limit=50)
        told = [await outbound_mail.get_mail(tx, OPERATOR, mail.id) for mail in mails if mail.kind == REPLY_NOT_SENT]
    return [(mail.recipient, " ".join(decode(message).text.split())) for mail, message in told]


async def stays_internal(rig: InboundMailRig, ticket: Ticket, mail: InboundMail, reason: str, text: str) -> None:
    """Check that a mail is an internal note with all of its text, and that its sender was told why."""
    assert (mail.state, mail.reason) == (InboundState.ACCEPTED, f"not sent to the customer: {reason}")
    [(_author, visibility, shown)] = await notes(rig, ticket)
    assert (visibility, shown) == (INTERNAL, text)
    async with rig.database.transaction() as tx:
        assert (await tickets.get_ticket_with_notes(tx, rig.tenant.actor, ticket.number)).notes == []
    [(recipient, told)] = await notices(rig, ticket)
    assert recipient == mail.sender
    assert f"it was not sent to the customer: {reason}. It is an internal note of the ticket." in told
    assert "optic" not in told


async def test_a_marked_mail_is_a_reply_to_the_customer(rig: InboundMailRig) -> None:
    ticket = await rig.ticket()
    mail = await answer(rig, ticket, "#public\r\n\r\nIt works again.\r\n-- \r\nBen Ito\r\n+1-555-0142")
    assert (mail.state, mail.reason, mail.ticket_number) == (InboundState.ACCEPTED, None, ticket.number)
    assert await notes(rig, ticket) == [("Ben Ito", PUBLIC, "It works again.")]
    async with rig.database.transaction() as tx:
        seen = (await tickets.get_ticket_with_notes(tx, rig.tenant.actor, ticket.number)).notes
        history = await tickets.history(tx, OPERATOR, ticket.number)
    assert [note.text for note in seen] == ["It works again."]
    assert (history[-1].type, history[-1].data["visibility"], history[-1].data["source"]) == (
        "note.added", "public", "seller",
    )  # fmt: skip
    assert await notices(rig, ticket) == []


async def test_the_contact_is_notified_of_a_public_reply_only(rig: InboundMailRig) -> None:
    notifications = NotificationRig(rig.database, rig.tenant, "")
    notifications.now = rig.at
    await notifications.record()
    ticket = await rig.ticket()
    await answer(rig, ticket, "#public\r\nIt works again.")
    await answer(rig, ticket, "#public\r\nIt is the optic.", head="")
    await notifications.take_messages()
    notifications.now = rig.at
    await notifications.advance(timedelta(hours=1))
    sent = [mail for mail in await notifications.take_messages() if ticket.contact.email in mail["To"]]
    texts = "".join(str(part.get_content()) for mail in sent for part in mail.walk() if not part.is_multipart())
    assert ("It works again." in texts, "It is the optic." in texts) == (True, False)


async def test_the_mark_is_read_in_html(rig: InboundMailRig) -> None:
    ticket = await rig.ticket()
    address = email_of(rig.staff)
    sent = await rig.send_mail(ticket, to=address)
    html = "<html><!-- #public --><body><div>#PUBLIC</div><div><br></div><p>It <b>works</b> again.</p></body></html>"
    raw = a_mail(address, rig.reply_to(ticket, address), html, head=f"In-Reply-To: {sent}\r\n{verified(address)}")
    await rig.receive(raw.replace(b"text/plain", b"text/html"))
    assert await notes(rig, ticket) == [("Ben Ito", PUBLIC, "It works again.")]


@pytest.mark.parametrize(
    "html",
    [
        "<!-- #public --><p>It works again.</p>",
        "<title>#public</title><p>It works again.</p>",
        '<p title="#public">It works again.</p>',
        "<blockquote>#public</blockquote><p>It works again.</p>",
    ],
)
async def test_a_mark_that_html_does_not_show_in_the_first_line_has_no_effect(rig: InboundMailRig, html: str) -> None:
    ticket = await rig.ticket()
    address = email_of(rig.staff)
    sent = await rig.send_mail(ticket, to=address)
    raw = a_mail(address, rig.reply_to(ticket, address), html, head=f"In-Reply-To: {sent}\r\n{verified(address)}")
    mail = await rig.receive(raw.replace(b"text/plain", b"text/html"))
    assert mail.state is InboundState.ACCEPTED
    assert [visibility for _author, visibility, _text in await notes(rig, ticket)] == [INTERNAL]


async def test_files_have_the_visibility_of_the_reply(rig: InboundMailRig) -> None:
    for mark, visibility in (("#public\r\n", PUBLIC), ("", INTERNAL)):
        ticket = await rig.ticket()
        address = email_of(rig.staff)
        sent = await rig.send_mail(ticket, to=address)
        head = a_mail(address, rig.reply_to(ticket, address), head=f"In-Reply-To: {sent}\r\n{verified(address)}")
        parts = (
            f"--b\r\nContent-Type: text/plain\r\n\r\n{mark}See the log.\r\n--b\r\nContent-Type: text/plain\r\n"
            'Content-Disposition: attachment; filename="port.log"\r\n\r\nup\r\n--b--\r\n'
        )
        mixed = b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
        await rig.receive(head.partition(b"MIME-Version")[0] + mixed + parts.encode())
        assert await notes(rig, ticket) == [("Ben Ito", visibility, "See the log.")]
        assert [(file.name, file.visibility) for file in await rig.files(ticket.number)] == [("port.log", visibility)]
        async with rig.database.transaction() as tx:
            seen = await attachments.list_attachments(tx, rig.tenant.actor, ticket.number)
        assert [file.name for file in seen] == (["port.log"] if visibility is PUBLIC else [])


async def test_without_the_mark_a_mail_is_an_internal_note_as_ever(rig: InboundMailRig) -> None:
    ticket = await rig.ticket()
    mail = await answer(rig, ticket, "It works again.")
    assert (mail.state, mail.reason) == (InboundState.ACCEPTED, None)
    assert await notes(rig, ticket) == [("Ben Ito", INTERNAL, "It works again.")]
    assert await notices(rig, ticket) == []


async def test_a_desk_that_does_not_allow_it_keeps_the_mail_internal(rig: InboundMailRig) -> None:
    replies = StaffReplies(None, Notices(render, SETTINGS))
    rig = replace(rig, context=replace(rig.context, staff_replies=replies))
    ticket = await rig.ticket()
    mail = await answer(rig, ticket, "#public\r\nIt works again.")
    reason = "this desk does not let agents reply to customers by mail"
    await stays_internal(rig, ticket, mail, reason, "#public\nIt works again.")


async def test_an_agent_who_did_not_turn_it_on_or_turned_it_off_writes_internal_notes(rig: InboundMailRig) -> None:
    async with rig.database.transaction() as tx:
        agent = await new_person(tx, "Mara Lind", Role.AGENT)
    for change in (None, False):
        if change is False:
            await turn_on(rig, agent)
            await turn_on(rig, agent, on=False)
        ticket = await rig.ticket()
        mail = await answer(rig, ticket, "#public\r\nIt works again.", who=agent)
        await stays_internal(rig, ticket, mail, OFF, "#public\nIt works again.")


@pytest.mark.parametrize(
    "head",
    [
        "",
        "Authentication-Results: mx.example.com; dmarc=pass header.from={domain}\r\n",
        "Authentication-Results: mx.example.net; dmarc=none header.from={domain}\r\n",
        "Authentication-Results: mx.example.net; spf=pass smtp.mailfrom={domain}\r\n",
        "Authentication-Results: mx.example.net; dmarc=pass header.from=evil.example.com\r\n",
        'Authentication-Results: mx.example.net; spf=fail reason="; dmarc=pass header.from={domain}"\r\n',
        "ARC-Authentication-Results: i=1; mx.example.net; dmarc=pass header.from={domain}\r\n",
        "X-Authentication-Results: mx.example.net; dmarc=pass header.from={domain}\r\n",
    ],
)  # fmt: skip
async def test_a_sender_who_was_not_verified_writes_internal_notes(rig: InboundMailRig, head: str) -> None:
    ticket = await rig.ticket()
    head = head.replace("{domain}", email_of(rig.staff).rpartition("@")[2])
    mail = await answer(rig, ticket, "#public\r\nIt works again.", head=head)
    await stays_internal(rig, ticket, mail, UNVERIFIED, "#public\nIt works again.")


async def test_a_forged_sender_who_failed_dmarc_is_quarantined(rig: InboundMailRig) -> None:
    ticket = await rig.ticket()
    head = f"Authentication-Results: {SERVER}; dmarc=fail header.from=x\r\n"
    mail = await answer(rig, ticket, "#public\r\nPay here.", head=head)
    assert (mail.state, mail.reason) == (InboundState.QUARANTINED, "its sender failed DMARC (dmarc=fail)")
    assert await notes(rig, ticket) == []


@pytest.mark.parametrize(
    ("text", "reason", "kept"),
    [
        ("#public It works again.", NOT_ALONE, "#public It works again."),
        ("#pub\u2060lic\r\nIt works again.", NOT_ALONE, "#pub\u2060lic\nIt works again."),
        ("#public\r\n> The optic\r\nIs new.", QUOTE, "#public\n> The optic\nIs new."),
        ("#public", "there is no text below #public", "#public"),
        ("#public\r\n" + "x" * 3990 + "\r\n" + "y" * 11, "the text is too long", None),
    ],
)
async def test_a_marked_mail_that_is_not_fit_for_the_customer_is_internal(
    rig: InboundMailRig, text: str, reason: str, kept: str | None
) -> None:
    ticket = await rig.ticket()
    mail = await answer(rig, ticket, text)
    if kept is None:
        assert mail.reason == f"not sent to the customer: {reason}"
        assert [file.visibility for file in await rig.files(ticket.number)] == [INTERNAL]
        assert [visibility for _author, visibility, _text in await notes(rig, ticket)] == [INTERNAL]
    else:
        await stays_internal(rig, ticket, mail, reason, kept)


@pytest.mark.parametrize("subject", ["Fwd: Port", "WG: Port"])
async def test_a_marked_mail_that_forwards_another_is_internal(rig: InboundMailRig, subject: str) -> None:
    ticket = await rig.ticket()
    forwarded = "---------- Forwarded message ---------\r\nFrom: Mara <mara@example.org>\r\n\r\nThe optic is broken."
    mail = await answer(rig, ticket, f"#public\r\nSee this.\r\n\r\n{forwarded}", subject=subject)
    assert (mail.state, mail.reason) == (InboundState.ACCEPTED, f"not sent to the customer: {QUOTE}")
    assert [visibility for _author, visibility, _text in await notes(rig, ticket)] == [INTERNAL]


@pytest.mark.parametrize(
    "text",
    [
        "What is it?\r\n\r\n#public\r\nIt works again.",
        "It works again.\r\n-- \r\n#public",
        "> #public\r\n> Open the door.\r\n\r\nNo.",
        "---------- Forwarded message ---------\r\nFrom: Cleo <cleo@example.com>\r\n\r\n#public\r\nOpen the door.",
    ],
)
async def test_a_mark_elsewhere_in_a_mail_has_no_effect(rig: InboundMailRig, text: str) -> None:
    ticket = await rig.ticket()
    mail = await answer(rig, ticket, text)
    assert (mail.state, mail.reason) == (InboundState.ACCEPTED, None)
    assert [visibility for _author, visibility, _text in await notes(rig, ticket)] == [INTERNAL]


@pytest.mark.parametrize("answered", ["nothing", "a mail to the customer", "a deleted mail"])
async def test_a_marked_mail_must_answer_a_mail_to_the_agent(rig: InboundMailRig, answered: str) -> None:
    ticket, address = await rig.ticket(), email_of(rig.staff)
    sent = await rig.send_mail(ticket, to=rig.sender if answered == "a mail to the customer" else address)
    if answered == "a deleted mail":
        async with rig.database.transaction() as tx:
            await tx.write("delete from outbound_mail where message_id = $1", sent)
    head = verified(address) + ("" if answered == "nothing" else f"In-Reply-To: {sent}\r\n")
    text = "#public\r\nIt works again."
    mail = await rig.receive(a_mail(address, rig.reply_to(ticket, address), text, head=head))
    await stays_internal(rig, ticket, mail, NO_ANSWER, "#public\nIt works again.")


async def test_a_mail_to_another_ticket_does_not_go_to_its_customer(rig: InboundMailRig) -> None:
    ticket, other, address = await rig.ticket(), await rig.ticket(tenant=rig.other), email_of(rig.staff)
    head = f"In-Reply-To: {await rig.send_mail(ticket, to=address)}\r\n{verified(address)}"
    mail = await rig.receive(a_mail(address, rig.reply_to(other, address), "#public\r\nIt works.", head=head))
    assert (mail.ticket_number, mail.reason) == (other.number, f"not sent to the customer: {NO_ANSWER}")
    assert [visibility for _author, visibility, _text in await notes(rig, other)] == [INTERNAL]


async def test_a_mail_of_a_program_is_never_public(rig: InboundMailRig) -> None:
    proof = verified(email_of(rig.staff))
    for mark in ("X-Autoreply: yes", "Precedence: bulk", "X-Autorespond: 1"):
        ticket = await rig.ticket()
        mail = await answer(rig, ticket, f"#public\r\nI am away ({mark}).", head=f"{mark}\r\n{proof}")
        assert mail.reason == "not sent to the customer: a program may have written the mail"
        assert [visibility for _author, visibility, _text in await notes(rig, ticket)] == [INTERNAL]
        assert await notices(rig, ticket) == []
    ticket = await rig.ticket()
    mail = await answer(rig, ticket, "#public\r\nI am away.", head=f"Auto-Submitted: auto-replied\r\n{proof}")
    assert mail.state is InboundState.IGNORED
    mail = await answer(rig, ticket, "#public\r\nI am gone.", envelope_from="")
    assert mail.state is InboundState.IGNORED
    assert (await notes(rig, ticket), await notices(rig, ticket)) == ([], [])


@pytest.mark.parametrize("status", [Status.CLOSED, Status.CANCELLED])
async def test_a_marked_mail_about_a_finished_ticket_waits_for_a_review(rig: InboundMailRig, status: Status) -> None:
    ticket = await rig.ticket()
    steps = (Status.IN_PROGRESS, Status.RESOLVED, status) if status is Status.CLOSED else (status,)
    async with rig.database.transaction() as tx:
        for step in steps:
            await ticket_changes.move_ticket(tx, OPERATOR, ticket.number, step, reason="", now=NOW)
    mail = await answer(rig, ticket, "#public\r\nIt works again.")
    assert mail.state is InboundState.QUARANTINED
    [(recipient, told)] = await notices(rig, ticket)
    assert recipient == email_of(rig.staff)
    assert f"not sent to the customer: {mail.reason}. It waits in quarantine until somebody reviews it." in told


async def test_a_viewer_replies_to_nobody(rig: InboundMailRig) -> None:
    async with rig.database.transaction() as tx:
        viewer = await new_person(tx, "Gil Roe", Role.AGENT)
    await turn_on(rig, viewer)
    async with rig.database.transaction() as tx:
        await accounts.change_user(tx, OPERATOR, "PROVIDER", email_of(viewer), {"role": Role.VIEWER}, now=NOW)
    ticket = await rig.ticket()
    mail = await answer(rig, ticket, "#public\r\nIt works again.", who=viewer)
    reason = "the role viewer may not reply to customers"
    assert (mail.state, mail.reason, mail.ticket_number) == (InboundState.QUARANTINED, reason, ticket.number)
    assert await notes(rig, ticket) == []
    [(recipient, told)] = await notices(rig, ticket)
    assert (recipient, reason in told) == (email_of(viewer), True)


async def test_a_person_without_rights_any_more_replies_to_nobody(rig: InboundMailRig) -> None:
    async with rig.database.transaction() as tx:
        gone = await new_person(tx, "Gil Roe", Role.AGENT)
    await turn_on(rig, gone)
    async with rig.database.transaction() as tx:
        await accounts.change_user(tx, OPERATOR, "PROVIDER", email_of(gone), {"is_active": False}, now=NOW)
    ticket = await rig.ticket()
    mail = await answer(rig, ticket, "#public\r\nI still write.", who=gone)
    assert mail.state is InboundState.QUARANTINED
    assert (await notes(rig, ticket), await notices(rig, ticket)) == ([], [])


async def test_a_marked_mail_that_is_released_from_quarantine_is_internal(rig: InboundMailRig) -> None:
    ticket, address = await rig.ticket(), email_of(rig.staff)
    mail = await rig.receive(a_mail(address, SUPPORT, "#public\r\nIt works again.", head=verified(address)))
    assert mail.state is InboundState.QUARANTINED
    async with rig.database.transaction() as tx:
        released = await inbound_review.release_to_ticket(
            tx, rig.staff, mail.id, ticket.number, context=rig.context, now=rig.at
        )
    assert released.state is InboundState.ACCEPTED
    assert await notes(rig, ticket) == [("Ben Ito", INTERNAL, "#public\nIt works again.")]


@pytest.mark.parametrize("sender", ["a user", "the contact"])
async def test_the_mark_of_a_customer_is_text(rig: InboundMailRig, sender: str) -> None:
    ticket = await rig.ticket(contact=f"{uuid4().hex[:8]}@contact.example.org")
    address = rig.sender if sender == "a user" else ticket.contact.email
    sent = await rig.send_mail(ticket, to=address)
    head = f"In-Reply-To: {sent}\r\n{verified(address)}"
    mail = await rig.receive(a_mail(address, rig.reply_to(ticket, address), "#public\r\nStill down.", head=head))
    assert (mail.state, mail.reason) == (InboundState.ACCEPTED, None)
    [(_author, visibility, text)] = await notes(rig, ticket)
    assert (visibility, text) == (PUBLIC, "#public\nStill down.")
    assert await notices(rig, ticket) == []
