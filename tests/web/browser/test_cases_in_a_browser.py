"""Cases at third parties in Chromium: the card of the ticket, and the forms, at every width and in both themes."""

from datetime import timedelta

import pytest
from playwright.async_api import Browser

from clearline.clock import now
from clearline.identity import OPERATOR
from clearline.platform.database.transactions import Database
from clearline.tickets.access import parse_number
from clearline.tickets.cases import usecases as cases
from clearline.tickets.third_parties.domain import CaseState
from tests.builders.web.browser import WIDTHS, Site, check, context

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("size", WIDTHS)
async def test_the_cases_of_a_ticket_and_their_forms_are_accessible_and_fit(
    browser: Browser, site: Site, session: dict[str, str], database: Database, size: str
) -> None:
    number, opened_at = parse_number(site.number), now() - timedelta(hours=9)
    values = {"opened_at": opened_at, "notes": "Splicing team on its way.\nNext call at noon."}
    contact = {"contact_name": "Fernhill NOC", "contact_phone": "+1-555-0171", "contact_email": "noc@example.org"}
    late = {"party": "Fernhill Access", "number": f"FH-2026-{size}", "expected_at": opened_at + timedelta(hours=6)}
    async with database.transaction() as tx:
        case = await cases.add_case(tx, OPERATOR, number, {**values, **contact, **late}, now=now())
        done = {"party": "Northgate Optics of the Northern Counties", "state": CaseState.CLOSED}
        await cases.add_case(tx, OPERATOR, number, done, now=now())
    opened = await context(browser, size, session, site.url)
    page = await opened.new_page()
    wrong: list[str] = []
    at = f"{site.url}/console/tickets/{site.number}"
    for path in (at, f"{at}/cases", f"{at}/cases/{case.id}"):
        await page.goto(path)
        wrong += await check(page, path)
    await opened.close()
    assert wrong == []
