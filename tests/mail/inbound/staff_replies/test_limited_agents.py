"""Mail of agents who see some queues or customers only."""

from clearline.identity import OPERATOR
from clearline.mail.inbound.domain import InboundState
from clearline.tickets import hand_over_usecases as hand_over
from tests.builders.mail.inbound_rig import InboundMailRig, a_mail
from tests.builders.people import NOW, email_of, new_person


async def test_an_agent_writes_no_notes_by_mail_on_a_ticket_beyond_its_limits(rig: InboundMailRig) -> None:
    ticket = await rig.ticket()
    async with rig.database.transaction() as tx:
        limited = await new_person(tx, "Gil Limited")
        limits = {"only_companies": (rig.other.company.id,)}
        await hand_over.change_user(tx, OPERATOR, "PROVIDER", email_of(limited), limits, now=NOW)
    mail = await rig.receive(a_mail(email_of(limited), rig.reply_to(ticket, email_of(limited)), "I still write"))
    assert mail.state is InboundState.QUARANTINED
    assert await rig.notes(ticket.number) == []
