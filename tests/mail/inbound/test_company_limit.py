"""How many mails of one customer's senders become tickets or notes in an hour."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from clearline.identity import OPERATOR
from clearline.mail.inbound import review_usecases as inbound_review
from clearline.mail.inbound.domain import InboundMail, InboundState
from tests.builders.mail.inbound_rig import SUPPORT, InboundMailRig, a_mail

pytestmark = pytest.mark.usefixtures("fresh_day")

TOO_MANY = "its company sent more than 2 mails in an hour"


@pytest.fixture
def limited(rig: InboundMailRig) -> InboundMailRig:
    """Return the rig with a limit of two mails, in an hour without mail."""
    rig.at += timedelta(hours=2)
    return replace(rig, context=replace(rig.context, company_mails=2))


async def receive(rig: InboundMailRig, *senders: str, to: str = SUPPORT) -> list[InboundMail]:
    """Receive a mail of each sender a minute apart."""
    mails = []
    for sender in senders:
        rig.at -= timedelta(minutes=59)  # the rig goes on by an hour
        mails.append(await rig.receive(a_mail(sender, to)))
    return mails


async def test_more_mails_in_an_hour_wait_for_a_person_whoever_sends_them(limited: InboundMailRig) -> None:
    ticket = await limited.ticket()
    mails = await receive(limited, limited.sender, limited.sender, limited.sender, limited.other.user.email)
    accepted, too_many = (InboundState.ACCEPTED, None), (InboundState.QUARANTINED, TOO_MANY)
    assert [(mail.state, mail.reason) for mail in mails] == [accepted, accepted, too_many, accepted]
    [reply] = await receive(limited, ticket.contact.email, to=limited.reply_to(ticket, ticket.contact.email))
    assert (reply.state, reply.reason) == too_many
    async with limited.database.transaction() as tx:
        company = limited.tenant.company.code
        released = await inbound_review.release_as_ticket(
            tx, OPERATOR, mails[2].id, company, context=limited.context, now=limited.at
        )
    assert released.state is InboundState.ACCEPTED
    limited.at += timedelta(hours=1)
    assert [mail.state for mail in await receive(limited, limited.sender)] == [InboundState.ACCEPTED]


async def test_replies_of_the_providers_people_neither_count_nor_are_limited(limited: InboundMailRig) -> None:
    ticket = await limited.ticket()
    assert limited.staff.user is not None
    staff = limited.staff.user.email
    to = limited.reply_to(ticket, staff)
    mails = [*await receive(limited, staff, staff, staff, to=to), *await receive(limited, limited.sender)]
    assert [mail.state for mail in mails] == [InboundState.ACCEPTED] * 4
