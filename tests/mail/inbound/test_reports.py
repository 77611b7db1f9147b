"""Delivery reports of old mail servers, from the mailbox to the mail that came back."""

from uuid import uuid4

import pytest

from clearline.accounts import usecases as accounts
from clearline.identity import OPERATOR
from clearline.mail.inbound.domain import InboundState
from clearline.mail.outbound import usecases as outbound_mail
from clearline.mail.outbound.domain import MailState
from tests.builders.mail.inbound_rig import SUPPORT, InboundMailRig, a_mail
from tests.builders.people import NOW

pytestmark = pytest.mark.usefixtures("fresh_day")

DAEMON = "MAILER-DAEMON@mx.example.org"
TEXT = (
    "Delivery to the following recipient failed permanently:\r\n\r\n     {}\r\n\r\n"
    "Technical details: 550 5.1.1 unknown\r\n\r\n----- Original message -----\r\n\r\n"
)


async def test_a_report_of_an_old_server_marks_the_mail_and_suppresses_nothing(rig: InboundMailRig) -> None:
    ticket, to = await rig.ticket(), f"{uuid4().hex[:8]}@contact.example.org"
    sent = await rig.send_mail(ticket, to=to)
    mail = await rig.receive(a_mail(DAEMON, SUPPORT, f"{TEXT.format(to)}Message-ID: {sent}\r\n"), envelope_from="")
    assert (mail.state, mail.ticket_number) == (InboundState.BOUNCE, ticket.number)
    assert mail.reason == "Technical details: 550 5.1.1 unknown"
    async with rig.database.transaction() as tx:
        [returned] = await outbound_mail.list_mails(tx, OPERATOR, ticket_number=ticket.number, limit=5)
        assert returned.state is MailState.BOUNCED
        assert await outbound_mail.may_mail(tx, to)


async def test_a_report_of_an_old_server_about_another_mail_is_ignored(rig: InboundMailRig) -> None:
    mail = await rig.receive(a_mail(DAEMON, SUPPORT, TEXT.format("ada@example.org")), envelope_from=DAEMON)
    assert (mail.state, mail.reason) == (InboundState.IGNORED, "a delivery report about a mail that is not ours")


async def test_a_postmaster_who_quotes_a_report_about_another_mail_creates_a_ticket(rig: InboundMailRig) -> None:
    postmaster = f"postmaster@{uuid4().hex[:8]}.example.org"
    async with rig.database.transaction() as tx:
        await accounts.add_user(tx, OPERATOR, rig.tenant.company.id, name="Pat", email=postmaster, phone="", now=NOW)
    text = f"We get this since noon:\r\n\r\n{TEXT.format('ada@example.org')}"
    mail = await rig.receive(a_mail(postmaster, SUPPORT, text, "Mail delivery failed"))
    assert (mail.state, mail.company_id) == (InboundState.ACCEPTED, rig.tenant.company.id)
