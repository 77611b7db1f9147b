"""Mail of the people of a parent, such as a reseller, about tickets of its children."""

from clearline.accounts import usecases as accounts
from clearline.companies import usecases as companies
from clearline.identity import OPERATOR
from clearline.mail.inbound.domain import InboundState
from clearline.tickets.note_domain import Source
from tests.builders.mail.inbound_rig import InboundMailRig, a_mail
from tests.builders.people import NOW


async def set_parent(rig: InboundMailRig, *, shares: bool) -> None:
    values = {"parent_id": rig.other.company.id, "shares_with_parent": shares}
    async with rig.database.transaction() as tx:
        await companies.change_company(tx, OPERATOR, rig.tenant.company.id, values, now=NOW)


async def set_active(rig: InboundMailRig, *, is_active: bool) -> None:
    values, parent = {"is_active": is_active}, rig.other
    async with rig.database.transaction() as tx:
        await accounts.change_user(tx, OPERATOR, parent.company.id, parent.user.id, values, now=NOW)


async def test_the_people_of_a_parent_answer_by_mail_as_long_as_the_child_shares(rig: InboundMailRig) -> None:
    ticket, sender = await rig.ticket(), rig.other.user.email
    mail = a_mail(sender, rig.reply_to(ticket, sender), "We are on site.")
    assert (await rig.receive(mail)).state is InboundState.QUARANTINED
    await set_parent(rig, shares=True)
    assert (
        await rig.receive(a_mail(sender, rig.reply_to(ticket, sender), "Now on site."))
    ).state is InboundState.ACCEPTED
    [note] = await rig.notes(ticket.number)
    assert (note.text, note.author, note.source) == ("Now on site.", rig.other.user.name, Source.BUYER)
    await set_parent(rig, shares=False)
    mail = a_mail(sender, rig.reply_to(ticket, sender), "Still there.")
    assert (await rig.receive(mail)).state is InboundState.QUARANTINED
    assert len(await rig.notes(ticket.number)) == 1


async def test_the_contact_of_a_ticket_loses_access_with_the_parent(rig: InboundMailRig) -> None:
    sender = rig.other.user.email
    await set_parent(rig, shares=True)
    ticket = await rig.ticket(contact=sender)
    assert (await rig.receive(a_mail(sender, rig.reply_to(ticket, sender), "One"))).state is InboundState.ACCEPTED
    await set_parent(rig, shares=False)
    assert (await rig.receive(a_mail(sender, rig.reply_to(ticket, sender), "Two"))).state is InboundState.QUARANTINED
    await set_parent(rig, shares=True)
    await set_active(rig, is_active=False)
    assert (await rig.receive(a_mail(sender, rig.reply_to(ticket, sender), "Three"))).state is InboundState.QUARANTINED
    await set_active(rig, is_active=True)


async def test_a_new_ticket_by_mail_is_of_the_senders_own_company(rig: InboundMailRig) -> None:
    await set_parent(rig, shares=True)
    mail = await rig.receive(a_mail(rig.other.user.email, "support@example.net", "Our own port"))
    assert (mail.state, mail.company_id) == (InboundState.ACCEPTED, rig.other.company.id)
