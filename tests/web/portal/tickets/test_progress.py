"""What customers read of what goes with the status of their ticket."""

from clearline.clock import now
from clearline.identity import OPERATOR
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets.domain import Closure, Status, Waiting
from clearline.tickets.progress.facts import StatusFacts
from tests.builders.people import NOW
from tests.builders.web.customers import PortalTicket
from tests.builders.web.opened import HOSTILE


async def move(opened: PortalTicket, to: Status, facts: StatusFacts) -> None:
    async with opened.database.transaction() as tx:
        await ticket_changes.move_ticket(tx, OPERATOR, opened.number, to, reason="", facts=facts, now=NOW)


async def german(opened: PortalTicket) -> str:
    """Return the words of the page in German."""
    assert (await opened.person.post("/portal/me/language", language="de")).status_code == 303
    return (await opened.page()).text


async def test_customers_read_their_words_of_the_sub_status_and_of_the_reason(opened: PortalTicket) -> None:
    await move(opened, Status.HELD, StatusFacts("with_carrier", Waiting("third_party", "zq8 case 77")))
    text = (await opened.page()).text
    assert "On hold With another provider. Waiting for another provider." in text
    assert "such as a supplier" not in text
    assert "zq8" not in text
    assert "Third party" not in text
    assert "Bei einem anderen Anbieter. Wir warten auf einen anderen Anbieter." in await german(opened)


async def test_without_words_for_customers_they_read_the_status_alone(opened: PortalTicket) -> None:
    async with opened.database.transaction() as tx:
        await ticket_changes.change_facts(tx, OPERATOR, opened.number, {"sub_status": "monitoring"}, now=NOW)
    text = (await opened.page()).text
    assert "Monitoring" not in text
    assert "Being fixed We are working on it." in text


async def test_a_new_sub_status_stands_in_the_conversation(opened: PortalTicket) -> None:
    async with opened.database.transaction() as tx:
        await ticket_changes.change_facts(tx, OPERATOR, opened.number, {"sub_status": "dispatched"}, now=now())
    page = await opened.page()
    assert page.text.count("A technician is on the way") == 3  # what happens next, the card, and the conversation
    assert (await german(opened)).count("Ein Techniker ist unterwegs") == 3


async def test_the_resolution_is_shown_and_nothing_else_of_the_closure(opened: PortalTicket) -> None:
    closure = Closure("fibre_cut", "replaced", "provider", fault_found=True, root_cause="zq8", resolution=HOSTILE)
    await move(opened, Status.RESOLVED, StatusFacts(closure=closure))
    answer = await opened.person.get(opened.path)
    assert "<script>alert" not in answer.text
    page = await opened.page()
    assert "How it was resolved <script>alert(1)</script>" in page.text
    for words in ("zq8", "Fibre cut", "Hardware replaced"):
        assert words not in page.text
    await opened.move(Status.CLOSED)
    assert "How it was resolved" in (await opened.page()).text
    assert "So wurde es gelöst" in await german(opened)
