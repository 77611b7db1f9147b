"""What mail says of what goes with a status: the sub-status, why a ticket waits, the resolution."""

from collections.abc import Mapping

from clearline.companies import usecases as companies
from clearline.events.event_types import NotificationKind
from clearline.identity import OPERATOR, Actor, Role
from clearline.notifications.domain import DeliveryMode
from clearline.notifications.recipients import GROUPING_WINDOW
from clearline.platform.database.transactions import Tx
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets.domain import Closure, Status, Waiting
from clearline.tickets.progress.facts import StatusFacts
from tests.builders.mail.notification_rig import CONTACT, NotificationRig, new_watcher
from tests.builders.people import NOW, email_of
from tests.builders.tickets import raised

HELD = StatusFacts("with_carrier", Waiting("third_party", "zq8 case 77"))
RESOLVED = StatusFacts(closure=Closure("fibre_cut", resolution="The fibre is spliced again."))


async def mails_of_move(
    rig: NotificationRig, to: Status, facts: StatusFacts, language: str | None = None
) -> tuple[Mapping[str, str], str, str]:
    """Return the texts of the mails about a move by their recipient, and the addresses of a watcher of either side."""

    async def work(tx: Tx) -> tuple[Actor, Actor]:
        company = rig.tenant.company
        await companies.change_company(tx, OPERATOR, company.id, {"language": language}, now=NOW)
        number = await raised(tx, rig.tenant)
        agent = await new_watcher(tx, number, Role.AGENT)
        customer = await new_watcher(tx, number, Role.CUSTOMER, company.code)
        await ticket_changes.move_ticket(tx, OPERATOR, number, to, reason="", facts=facts, now=NOW)
        return agent, customer

    agent, customer = await rig.transact(work)
    await rig.advance(GROUPING_WINDOW)
    mails = {mail.to: " ".join(mail.text.split()) for mail in await rig.take_sent()}
    return mails, email_of(agent), email_of(customer)


async def test_each_side_reads_why_a_ticket_waits_in_its_own_words(rig: NotificationRig) -> None:
    mails, agent, customer = await mails_of_move(rig, Status.HELD, HELD)
    for to in (CONTACT, customer):
        assert "Status: On hold: With another provider, Waiting for another provider" in mails[to]
        assert "zq8" not in mails[to]
        assert "Third party" not in mails[to]
    assert "Status: Held: With carrier, Third party" in mails[agent]


async def test_the_words_are_in_the_language_of_the_customer(rig: NotificationRig) -> None:
    mails, _agent, _customer = await mails_of_move(rig, Status.HELD, HELD, "de")
    assert "Bei einem anderen Anbieter, Wir warten auf einen anderen Anbieter" in mails[CONTACT]


async def test_without_words_for_customers_they_read_the_status_alone(rig: NotificationRig) -> None:
    mails, agent, customer = await mails_of_move(rig, Status.IN_PROGRESS, StatusFacts("monitoring"))
    assert "Status: In progress Service:" in mails[customer]
    assert "Status: In progress: Monitoring" in mails[agent]


async def test_the_resolution_stands_with_the_status_and_once(rig: NotificationRig) -> None:
    mails, agent, customer = await mails_of_move(rig, Status.RESOLVED, RESOLVED)
    for to in (CONTACT, customer, agent):
        assert "to resolved. The fibre is spliced again." in mails[to]
        assert mails[to].count("The fibre is spliced again.") == 1
    assert "fibre_cut" not in mails[customer]


async def test_a_sub_status_alone_is_told_in_the_words_for_customers(rig: NotificationRig) -> None:
    async def work(tx: Tx) -> str:
        company = rig.tenant.company
        await companies.change_company(tx, OPERATOR, company.id, {"language": "de"}, now=NOW)
        number = await raised(tx, rig.tenant, status=Status.IN_PROGRESS)
        rules = {NotificationKind.WATCHED_CHANGE: DeliveryMode.EMAIL}
        customer = await new_watcher(tx, number, Role.CUSTOMER, company.code, rules=rules)
        await ticket_changes.change_facts(tx, OPERATOR, number, {"sub_status": "dispatched"}, now=NOW)
        return email_of(customer)

    customer = await rig.transact(work)
    await rig.advance(GROUPING_WINDOW)
    [text] = [" ".join(mail.text.split()) for mail in await rig.take_sent() if mail.to == customer]
    assert "was gerade geschieht" in text
    assert "Ein Techniker ist unterwegs" in text
    assert "A technician" not in text
