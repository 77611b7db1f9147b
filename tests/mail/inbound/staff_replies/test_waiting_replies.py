"""A mail of an agent comes after the reply that the agent sent in the console before, and that still waits there."""

from uuid import uuid4

from clearline.drafts import pending_usecases as pending
from clearline.identity import OPERATOR, Actor
from clearline.mail.inbound import review_usecases as inbound_review
from clearline.mail.inbound.domain import InboundState
from clearline.tickets.domain import Ticket
from clearline.tickets.note_domain import Visibility
from tests.builders.mail.inbound_rig import InboundMailRig, a_mail
from tests.builders.people import email_of, new_person


async def reply(rig: InboundMailRig, ticket: Ticket, who: Actor) -> None:
    """Send a reply in the console that can still be taken back."""
    async with rig.database.transaction() as tx:
        await pending.hold_message(
            tx, who, ticket.number, "In the console", visibility=Visibility.PUBLIC, then=None, seconds=10, now=rig.at
        )


async def mail(rig: InboundMailRig, ticket: Ticket, address: str) -> None:
    """Receive a mail of an agent about a ticket."""
    sent = await rig.send_mail(ticket, to=address)
    raw = a_mail(address, rig.reply_to(ticket, address), f"By mail {uuid4()}", head=f"In-Reply-To: {sent}\r\n")
    assert (await rig.receive(raw)).state is InboundState.ACCEPTED


async def texts(rig: InboundMailRig, ticket: Ticket) -> list[str]:
    return [" ".join(note.text.split()[:2]) for note in await rig.notes(ticket.number)]


async def test_a_mail_comes_after_the_own_reply(rig: InboundMailRig) -> None:
    ticket = await rig.ticket()
    await reply(rig, ticket, rig.staff)
    await mail(rig, ticket, email_of(rig.staff))
    assert await texts(rig, ticket) == ["In the", "By mail"]
    async with rig.database.transaction() as tx:
        assert await pending.list_pending(tx, rig.staff, ticket.number) == []


async def test_the_reply_of_a_colleague_goes_on_waiting(rig: InboundMailRig) -> None:
    ticket = await rig.ticket()
    async with rig.database.transaction() as tx:
        mara = await new_person(tx, "Mara Lind")
    await reply(rig, ticket, mara)
    await mail(rig, ticket, email_of(rig.staff))
    assert await texts(rig, ticket) == ["By mail"]


async def test_a_mail_that_a_person_files_comes_after_the_reply_of_its_sender(rig: InboundMailRig) -> None:
    ticket = await rig.ticket()
    await reply(rig, ticket, rig.staff)
    raw = a_mail(email_of(rig.staff), "support@example.net", "By mail, to nobody's ticket")
    received = await rig.receive(raw)
    assert received.state is InboundState.QUARANTINED
    async with rig.database.transaction() as tx:
        await inbound_review.release_to_ticket(
            tx, OPERATOR, received.id, ticket.number, context=rig.context, now=rig.at
        )
    assert await texts(rig, ticket) == ["In the", "By mail,"]
