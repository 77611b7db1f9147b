"""Delivery reports about a mail to an agent: which of them return the agent's open tickets to their queues."""

import pytest

from clearline.accounts import usecases as accounts
from clearline.identity import OPERATOR, PROVIDER_ID
from clearline.mail.inbound.domain import InboundState
from clearline.mail.outbound import usecases as outbound_mail
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets import usecases as tickets
from tests.builders.mail.inbound_rig import InboundMailRig
from tests.builders.people import NOW, email_of, id_of

pytestmark = pytest.mark.usefixtures("fresh_day")

BOUNCE, IGNORED = InboundState.BOUNCE, InboundState.IGNORED


async def assigned(rig: InboundMailRig) -> int:
    """Return a ticket that is assigned to the rig's agent."""
    ticket = await rig.ticket()
    async with rig.database.transaction() as tx:
        await ticket_changes.assign(tx, OPERATOR, ticket.number, id_of(rig.staff), now=NOW)
    return ticket.number


async def is_assigned(rig: InboundMailRig, number: int) -> bool:
    async with rig.database.transaction() as tx:
        return (await tickets.get_ticket(tx, OPERATOR, number)).ticket.assignee_id == id_of(rig.staff)


async def report(rig: InboundMailRig, to: str, changes: dict[str, str] | None = None, corpus: str = "bounce") -> bytes:
    """Send a mail, and return the report about it that names the agent, with some of its texts changed."""
    ticket = await rig.ticket()
    raw = rig.corpus_mail(corpus, ticket, await rig.send_mail(ticket, to=to))
    raw = raw.replace(rig.sender.encode(), email_of(rig.staff).encode())
    for before, after in (changes or {}).items():
        assert before.encode() in raw
        raw = raw.replace(before.encode(), after.encode())
    return raw


async def test_a_report_that_names_the_agents_mail_and_address_returns_the_tickets(rig: InboundMailRig) -> None:
    numbers = [await assigned(rig), await assigned(rig)]
    raw = await report(rig, email_of(rig.staff).upper())
    assert (await rig.receive(raw, envelope_from="")).state is BOUNCE
    assert [await is_assigned(rig, number) for number in numbers] == [False, False]


async def test_the_same_report_has_no_effect_after_the_address_was_allowed_again(rig: InboundMailRig) -> None:
    raw = await report(rig, email_of(rig.staff))
    await rig.receive(raw, envelope_from="")
    async with rig.database.transaction() as tx:
        await outbound_mail.unsuppress(tx, OPERATOR, email_of(rig.staff), now=rig.at)
    number = await assigned(rig)
    again = raw.replace(b"<bounce@mail.example.com>", b"<again@mail.example.com>")
    assert (await rig.receive(again, envelope_from="")).state is BOUNCE
    assert await is_assigned(rig, number)
    async with rig.database.transaction() as tx:
        assert await outbound_mail.may_mail(tx, email_of(rig.staff))


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({"\r\nMessage-ID: <": "\r\nMessage-ID: <0"}, IGNORED),
        ({"Action: failed": "Action: delayed", "Status: 5": "Status: 4"}, IGNORED),
        ({"Status: 5.1.1": "Status: 4.4.7"}, BOUNCE),
        ({"Status: 5.1.1": "Status: 5.7.1"}, BOUNCE),
        ({"Final-Recipient: rfc822; ": "Final-Recipient: rfc822; x"}, BOUNCE),
    ],
    ids=["a mail that is not ours", "a delay", "a temporary error", "a refused text", "another address"],
)
async def test_another_report_returns_no_tickets(
    rig: InboundMailRig, changes: dict[str, str], state: InboundState
) -> None:
    number = await assigned(rig)
    raw = await report(rig, email_of(rig.staff), changes)
    assert (await rig.receive(raw, envelope_from="")).state is state
    assert await is_assigned(rig, number)


async def test_a_report_about_a_mail_to_somebody_else_returns_no_tickets(rig: InboundMailRig) -> None:
    number = await assigned(rig)
    raw = await report(rig, rig.sender)
    assert (await rig.receive(raw, envelope_from="")).state is BOUNCE
    assert await is_assigned(rig, number)


async def test_a_report_in_an_old_format_returns_no_tickets(rig: InboundMailRig) -> None:
    number = await assigned(rig)
    raw = await report(rig, email_of(rig.staff), corpus="bounce-exim")
    assert (await rig.receive(raw, envelope_from="")).state is BOUNCE
    assert await is_assigned(rig, number)


async def test_a_report_about_an_earlier_address_of_the_agent_returns_no_tickets(rig: InboundMailRig) -> None:
    number = await assigned(rig)
    raw = await report(rig, email_of(rig.staff))
    values = {"email": f"new.{email_of(rig.staff)}"}
    async with rig.database.transaction() as tx:
        await accounts.change_user(tx, OPERATOR, PROVIDER_ID, id_of(rig.staff), values, now=NOW)
    assert (await rig.receive(raw, envelope_from="")).state is BOUNCE
    assert await is_assigned(rig, number)
