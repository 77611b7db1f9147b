"""The list of tickets: what it shows, its filters, its search, its pages and its table."""

import csv
import io
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import pytest

from clearline.identity import Role
from clearline.platform.database.transactions import Database
from clearline.search import index_usecases
from clearline.tickets.domain import Status, ticket_number
from clearline.tickets.links import watcher_usecases as watching
from clearline.web.portal.tickets.listing import SIZE
from tests.builders.people import NOW, Tenant, new_person, new_tenant
from tests.builders.tickets import raised
from tests.builders.web.pages import Page, Person, session_of


class Company:
    """A customer with tickets, in the browser of a person of it."""

    def __init__(self, person: Person, tenant: Tenant, numbers: dict[str, int]) -> None:
        self.person, self.tenant, self.numbers = person, tenant, numbers

    async def titles(self, query: str = "") -> list[str]:
        """Return the titles of the tickets in a list, in its order."""
        page = await self.person.page(f"/portal/tickets{query}")
        shown = page.links("/portal/tickets/INC")
        names = {ticket_number(number): title for title, number in self.numbers.items()}
        return [names[link.rpartition("/")[2]] for link in shown]


@pytest.fixture(scope="module")
async def company(client: httpx.AsyncClient, database: Database) -> Company:
    tenant = await new_tenant(database)
    numbers = {}
    async with database.transaction() as tx:
        for title, status in (
            ("flapping port", Status.IN_PROGRESS),
            ("waiting port", Status.PENDING),
            ("new circuit", Status.ACKNOWLEDGED),
            ("closed port", Status.CLOSED),
            ("cancelled circuit", Status.CANCELLED),
        ):
            numbers[title] = await raised(tx, tenant, title, status=status)
        await tx.write("update ticket set service_id = 'SVC-2' where number = $1", numbers["new circuit"])
        await tx.write(
            "update ticket set contact_email = $1 where company_id = $2 and number = any($3::bigint[])",
            tenant.user.email, tenant.company.id, [numbers["waiting port"], numbers["closed port"]],
        )  # fmt: skip
        await watching.watch(tx, tenant.actor, numbers["new circuit"], tenant.user.id, now=NOW)
        await index_usecases.index_tickets(tx, [(tenant.company.id, number) for number in numbers.values()])
    return Company(await session_of(client, database, tenant.user), tenant, numbers)


OPEN = {"flapping port", "waiting port", "new circuit"}
CLOSED = {"closed port", "cancelled circuit"}


@pytest.mark.parametrize(
    ("query", "titles"),
    [
        ("", OPEN),
        ("?show=closed", CLOSED),
        ("?show=all", OPEN | CLOSED),
        ("?show=nothing", OPEN),
        ("?mine=1", {"waiting port", "new circuit"}),
        ("?mine=1&show=all", {"waiting port", "new circuit", "closed port"}),
        ("?status=pending", {"waiting port"}),
        ("?status=closed", {"closed port"}),
        ("?status=nothing", OPEN),
        ("?service=SVC-2", {"new circuit"}),
        ("?service=SVC-1&show=all", (OPEN | CLOSED) - {"new circuit"}),
        ("?q=port", {"flapping port", "waiting port"}),
        ("?q=port&show=all", {"flapping port", "waiting port", "closed port"}),
        ("?q=port&mine=1&show=all", {"waiting port", "closed port"}),
        ("?q=port&status=pending", {"waiting port"}),
        ("?q=circuit&service=SVC-2", {"new circuit"}),
        ("?q=nothinglikethis", set()),
    ],
)
async def test_the_list_has_what_was_chosen(company: Company, query: str, titles: set[str]) -> None:
    assert set(await company.titles(query)) == titles


async def test_closed_tickets_begin_with_the_newest(company: Company) -> None:
    assert await company.titles("?show=closed") == ["cancelled circuit", "closed port"]


async def test_a_status_is_in_the_words_of_customers(company: Company) -> None:
    text = (await company.person.page("/portal/tickets")).text
    for words in ("Received", "Being fixed", "Waiting for you"):
        assert words in text


async def test_a_query_that_means_nothing_is_explained(company: Company) -> None:
    text = (await company.person.page("/portal/tickets?q=queue:NOC")).text
    assert "Has no filter queue: it must be one of status, service," in text


async def test_an_empty_list_says_why_and_leads_on(client: httpx.AsyncClient, database: Database) -> None:
    tenant = await new_tenant(database)
    person = await session_of(client, database, tenant.user)
    assert "No open tickets" in (await person.page("/portal/tickets")).text
    assert "No ticket matches" in (await person.page("/portal/tickets?mine=1")).text
    assert "Tickets stay here" in (await person.page("/portal/tickets?show=closed")).text


async def test_a_long_list_goes_on_with_every_ticket_once(client: httpx.AsyncClient, database: Database) -> None:
    tenant = await new_tenant(database)
    async with database.transaction() as tx:
        numbers = [await raised(tx, tenant, "Port is slow") for _ in range(SIZE * 2 + 3)]
        await index_usecases.index_tickets(tx, [(tenant.company.id, number) for number in numbers])
    person = await session_of(client, database, tenant.user)
    for first in (
        "/portal/tickets",
        "/portal/tickets?show=all",
        "/portal/tickets?q=slow",
        "/portal/tickets?q=slow&mine=1",
    ):
        shown: list[str] = []
        address: str | None = first
        pages = 0
        while address:
            page = await person.page(address)
            shown += page.links("/portal/tickets/INC")
            address = next((link["href"] for link in page.all("a") if "data-more" in link), None)
            pages += 1
        is_mine = "mine" in first
        assert len(shown) == len(set(shown)) == (0 if is_mine else len(numbers)), first
        assert pages <= 4


async def test_a_cursor_of_another_list_is_refused(company: Company) -> None:
    answer = await company.person.get("/portal/tickets?after=forged")
    assert answer.status_code == 400
    assert "The list has changed" in Page(answer.text).text


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("", 3),
        ("?show=closed", 2),
        ("?show=all", 5),
        ("?mine=1", 2),
        ("?status=pending", 1),
        ("?q=port", 2),
        ("?q=port&show=all", 3),
        ("?mine=1&q=port", 1),
    ],
)
async def test_the_table_has_the_tickets_of_the_list(company: Company, query: str, count: int) -> None:
    answer = await company.person.get(f"/portal/tickets/export{query}")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.headers["content-disposition"] == 'attachment; filename="tickets.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert len(rows) == count
    assert {row["company"] for row in rows} == {company.tenant.company.code}
    assert not {"queue", "assignee", "tags"} & set(rows[0])
    page = await company.person.page(f"/portal/tickets{query}")
    [link] = page.links("/portal/tickets/export")
    assert set(parse_qsl(urlsplit(link).query)) == set(parse_qsl(query[1:]))


@pytest.mark.parametrize("query", ["", "?q=port"])
async def test_the_table_of_a_german_reader_has_the_separator_of_german_excel(company: Company, query: str) -> None:
    answer = await company.person.get(f"/portal/tickets/export{query}", **{"Accept-Language": "de"})
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig")), delimiter=";"))
    assert {row["company"] for row in rows} == {company.tenant.company.code}
    assert all(row["number"].startswith("INC") for row in rows)


async def test_the_admin_of_a_company_has_the_same_pages(
    client: httpx.AsyncClient, database: Database, company: Company
) -> None:
    async with database.transaction() as tx:
        admin = await new_person(tx, "Sofia Ruiz", Role.CUSTOMER_ADMIN, company=company.tenant.company.code)
    assert admin.user is not None
    person = await session_of(client, database, admin.user)
    assert len((await person.page("/portal/tickets")).links("/portal/tickets/INC")) == 3
    home = await person.get("/portal")
    assert (home.status_code, home.headers["location"]) == (303, "/portal/tickets")


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("((", "Muss einen Buchstaben oder eine Ziffer haben"),
        ("colour:red", "Hat keinen Filter colour"),
        ("status:zz", "Hat im Filter status einen Wert, den es nicht gibt"),
        ("number:zz", "Hat im Filter number einen Wert, den es nicht gibt"),
        (" ".join(f"w{at}" for at in range(80)), "Darf höchstens "),
    ],
)
async def test_a_search_that_is_refused_says_why_in_german(company: Company, query: str, reason: str) -> None:
    address = f"/portal/tickets?{urlencode({'q': query})}"
    answer = await company.person.get(address, **{"Accept-Language": "de"})
    assert reason in Page(answer.text).text
