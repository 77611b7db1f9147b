"""A mail that names one service of its sender's company is a ticket about it."""

import pytest

from clearline.catalogue.published import ServiceType
from clearline.identity import OPERATOR
from clearline.inventory import usecases as inventory
from clearline.tickets import usecases as tickets
from clearline.tickets.domain import UNKNOWN_SERVICE
from tests.builders.mail.inbound_rig import SUPPORT, InboundMailRig, a_mail
from tests.builders.people import NOW

pytestmark = pytest.mark.usefixtures("fresh_day")

NOTHING = (ServiceType.NON_CONSOLE, UNKNOWN_SERVICE)


@pytest.fixture(scope="module")
async def served(rig: InboundMailRig) -> InboundMailRig:
    """Add services of two customers."""
    async with rig.database.transaction() as tx:
        for company, service_id in ((rig.tenant, "RING-7"), (rig.tenant, "RING-8"), (rig.other, "OTHER-1")):
            code = company.company.code
            await inventory.add_service(tx, OPERATOR, code, service_id, "Port", service_id, now=NOW)
    return rig


@pytest.mark.parametrize(
    ("subject", "text", "expected"),
    [
        ("RING-7 is down", "Hello", ("Port", "RING-7")),
        ("Down", "Since 08:00 (RING-7).", ("Port", "RING-7")),
        ("RING-7 is down", "RING-8 works, unlike RING-7", ("Port", "RING-7")),
        ("Down", "RING-7, and again RING-7!", ("Port", "RING-7")),
        ("Down", "RING-7 and RING-8 are down", NOTHING),
        ("RING-7 and RING-8", "Mostly RING-7", NOTHING),
        ("Down", "ring-7", NOTHING),
        ("Down", "OTHER-1", NOTHING),
        ("Down", "Nothing works", NOTHING),
    ],
)
async def test_a_mail_is_about_the_one_service_that_it_names(
    served: InboundMailRig, subject: str, text: str, expected: tuple[str, str]
) -> None:
    mail = await served.receive(a_mail(served.sender, SUPPORT, text, subject))
    async with served.database.statement() as tx:
        ticket = (await tickets.get_ticket(tx, OPERATOR, mail.ticket_number or 0)).ticket
    assert (ticket.service_type, ticket.service_id) == expected
