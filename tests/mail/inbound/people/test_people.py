"""Mail of the people of a ticket, and mail with people in Cc."""

from uuid import uuid4

import pytest

from clearline.accounts import mail_domain_usecases as mail_domains
from clearline.accounts.mail_domain import Proof
from clearline.identity import OPERATOR
from clearline.mail.inbound.domain import InboundState
from clearline.notifications import preference_usecases as preferences
from clearline.notifications.contact_rules import InboundCc
from clearline.platform.database.transactions import Tx
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets import usecases as tickets
from clearline.tickets.contact import ContactRole, People, Person, PersonKind
from clearline.tickets.contacts import usecases as people
from clearline.tickets.domain import Status, Ticket, ticket_number
from clearline.tickets.note_domain import Source, Visibility
from tests.builders.mail.inbound_rig import SUPPORT, InboundMailRig, a_mail
from tests.builders.people import NOW

pytestmark = pytest.mark.usefixtures("fresh_day")

COPY, TECHNICIAN = "copy@people.example.org", "tech@people.example.org"


async def with_people(rig: InboundMailRig) -> Ticket:
    """Return a ticket with a technical contact and a copy."""
    ticket = await rig.ticket()
    async with rig.database.transaction() as tx:
        technician = Person(PersonKind.CONTACT, TECHNICIAN, "Tia Roy", roles=(ContactRole.TECHNICAL,))
        cc = [Person(PersonKind.CC, COPY, "Cleo")]
        await people.set_people(tx, OPERATOR, ticket.number, contacts=[technician], cc=cc, now=NOW)
    return ticket


async def people_of(rig: InboundMailRig, number: int | None) -> People:
    assert number is not None
    async with rig.database.transaction() as tx:
        return (await tickets.get_ticket(tx, OPERATOR, number)).people


def addresses(persons: tuple[Person, ...]) -> list[str]:
    return [person.email for person in persons]


@pytest.mark.parametrize(
    ("sender", "author"), [(TECHNICIAN, "Tia Roy"), (COPY, f"Cleo <{COPY}> (CC)")], ids=["contact", "copy"]
)
@pytest.mark.parametrize("way", ["reply address", "thread"])
async def test_a_reply_of_one_of_the_people_is_a_public_note_that_says_who(
    rig: InboundMailRig, sender: str, author: str, way: str
) -> None:
    ticket = await with_people(rig)
    sent_id = await rig.send_mail(ticket, to=sender)
    raw = (
        a_mail(sender, rig.reply_to(ticket, sender), "Seen")
        if way == "reply address"
        else a_mail(sender, SUPPORT, "Seen", head=f"In-Reply-To: {sent_id}\r\n")
    )
    mail = await rig.receive(raw)
    assert (mail.state, mail.ticket_number) == (InboundState.ACCEPTED, ticket.number)
    note = (await rig.notes(ticket.number))[-1]
    assert (note.text, note.author) == ("Seen", author)
    assert (note.visibility, note.source) == (Visibility.PUBLIC, Source.BUYER)


async def test_a_number_in_the_subject_is_enough_for_a_contact_but_not_for_a_copy(rig: InboundMailRig) -> None:
    ticket = await with_people(rig)
    subject = f"[{ticket_number(ticket.number)}] Port"
    accepted = await rig.receive(a_mail(TECHNICIAN, SUPPORT, subject=subject))
    assert accepted.ticket_number == ticket.number
    refused = await rig.receive(a_mail(COPY, SUPPORT, subject=subject))
    assert (refused.state, refused.ticket_number) == (InboundState.QUARANTINED, None)


async def test_who_left_or_is_of_another_ticket_writes_nothing_there(rig: InboundMailRig) -> None:
    ticket, other = await with_people(rig), await rig.ticket()
    mail = await rig.receive(a_mail(COPY, rig.reply_to(other, COPY)))
    assert mail.state is InboundState.QUARANTINED
    async with rig.database.transaction() as tx:
        await people.leave(tx, OPERATOR, ticket, COPY, now=NOW)
    mail = await rig.receive(a_mail(COPY, rig.reply_to(ticket, COPY)))
    assert mail.state is InboundState.QUARANTINED
    assert len(await rig.notes(ticket.number)) == 0


async def test_the_user_of_another_company_who_is_copied_writes_there_and_nowhere_else(rig: InboundMailRig) -> None:
    """Being copied gives no company: the next new mail is still the own company's."""
    ticket, stranger = await rig.ticket(), rig.other.user.email
    async with rig.database.transaction() as tx:
        await people.add_person(tx, rig.tenant.actor, ticket.number, Person(PersonKind.CC, stranger), now=NOW)
    mail = await rig.receive(a_mail(stranger, rig.reply_to(ticket, stranger), "Seen"))
    assert (mail.state, mail.company_id) == (InboundState.ACCEPTED, ticket.company_id)
    assert (await rig.notes(ticket.number))[-1].author == f"{stranger} (CC)"
    new = await rig.receive(a_mail(stranger, SUPPORT, "Our own port is down"))
    assert (new.state, new.company_id) == (InboundState.ACCEPTED, rig.other.company.id)


async def test_automatic_answers_of_a_copy_are_no_notes(rig: InboundMailRig) -> None:
    ticket = await with_people(rig)
    mail = await rig.receive(
        a_mail(COPY, rig.reply_to(ticket, COPY), "I am away", head="Auto-Submitted: auto-replied\r\n")
    )
    assert mail.state is InboundState.IGNORED
    assert await rig.notes(ticket.number) == []


async def test_an_autoresponder_that_hides_what_it_is_reopens_nothing(rig: InboundMailRig) -> None:
    ticket = await with_people(rig)
    async with rig.database.transaction() as tx:
        for status in (Status.IN_PROGRESS, Status.RESOLVED):
            await ticket_changes.move_ticket(tx, OPERATOR, ticket.number, status, reason="", now=NOW)
    await rig.receive(a_mail(COPY, rig.reply_to(ticket, COPY), "I am away", head="X-Autoreply: yes\r\n"))
    async with rig.database.transaction() as tx:
        assert (await tickets.get_ticket(tx, OPERATOR, ticket.number)).ticket.status is Status.RESOLVED


async def set_cc(rig: InboundMailRig, setting: InboundCc) -> None:
    async with rig.database.transaction() as tx:
        await preferences.change_contact_mail(tx, OPERATOR, rig.tenant.company.code, inbound_cc=setting, now=NOW)


async def own_domain(tx: Tx, rig: InboundMailRig) -> str:
    """Verify a new domain of the customer, and return it."""
    name = f"{uuid4().hex[:8]}.example.com"
    await mail_domains.add_domain(tx, OPERATOR, rig.tenant.company.code, name, by=Proof.STAFF, now=NOW)
    return name


@pytest.mark.parametrize("is_reply", [False, True], ids=["a new ticket", "a reply"])
@pytest.mark.parametrize("setting", InboundCc)
async def test_the_company_says_what_becomes_of_cc(rig: InboundMailRig, setting: InboundCc, *, is_reply: bool) -> None:
    await set_cc(rig, setting)
    async with rig.database.transaction() as tx:
        own = f"bo@{await own_domain(tx, rig)}"
    assert rig.staff.user is not None
    skipped = f"{SUPPORT}, support+tag@example.net, {rig.sender}, {rig.staff.user.email}, noreply@example.org"
    head = f"Cc: Bo <{own}>, {skipped}, Vendor <noc@vendor.example.org>\r\n"
    to = rig.reply_to(await rig.ticket()) if is_reply else SUPPORT
    mail = await rig.receive(a_mail(rig.sender, to, head=head))
    known = await people_of(rig, mail.ticket_number)
    assert (addresses(known.cc), addresses(known.suggested)) == {
        InboundCc.IGNORE: ([], []),
        InboundCc.SUGGEST: ([], [own, "noc@vendor.example.org"]),
        InboundCc.ADD: ([own], ["noc@vendor.example.org"]),
    }[setting]
    await set_cc(rig, InboundCc.SUGGEST)


async def test_cc_in_mail_of_a_copy_is_only_suggested_and_who_is_known_stays(rig: InboundMailRig) -> None:
    await set_cc(rig, InboundCc.ADD)
    ticket = await with_people(rig)
    async with rig.database.transaction() as tx:
        own = f"bo@{await own_domain(tx, rig)}"
        await people.add_person(tx, OPERATOR, ticket.number, Person(PersonKind.CC, "left@example.org"), now=NOW)
        await people.leave(tx, OPERATOR, ticket, "left@example.org", now=NOW)
    head = f"Cc: {own}, {TECHNICIAN}, left@example.org\r\n"
    for _ in range(2):
        await rig.receive(a_mail(COPY, rig.reply_to(ticket, COPY), uuid4().hex, head=head))
    known = await people_of(rig, ticket.number)
    assert addresses(known.suggested) == [own]
    assert addresses(known.cc) == [COPY]
    assert addresses(known.left) == ["left@example.org"]
    await set_cc(rig, InboundCc.SUGGEST)


async def test_a_forged_copy_of_everybody_does_not_fill_the_ticket(rig: InboundMailRig) -> None:
    ticket = await rig.ticket()
    for part in range(3):
        head = "Cc: " + ", ".join(f"c{part}x{place}@vendor.example.org" for place in range(15)) + "\r\n"
        await rig.receive(a_mail(rig.sender, rig.reply_to(ticket), uuid4().hex, head=head))
    assert len((await people_of(rig, ticket.number)).suggested) == 20


async def test_cc_in_mail_of_a_list_and_of_a_program_is_ignored(rig: InboundMailRig) -> None:
    for mark in ("List-Id: <noc.example.com>", "Precedence: bulk"):
        ticket = await rig.ticket()
        head = f"Cc: noc@vendor.example.org\r\n{mark}\r\n"
        await rig.receive(a_mail(rig.sender, rig.reply_to(ticket), uuid4().hex, head=head))
        assert (await people_of(rig, ticket.number)).all == ()
