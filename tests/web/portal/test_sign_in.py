"""People of customers sign in on the same page as those of the provider, and get the portal."""

from urllib.parse import quote

import httpx
import pytest

from clearline.accounts import usecases as accounts
from clearline.identity import OPERATOR, User
from clearline.platform.database.transactions import Database
from clearline.sign_in import password_usecases as passwords
from clearline.web import csrf
from tests.builders.people import NOW, new_tenant
from tests.builders.sign_in.sessions import PASSWORD, new_person_with_password
from tests.builders.web.pages import Page
from tests.builders.web.visitors import Visitor


async def with_password(database: Database, user: User) -> User:
    await passwords.set_password(database, OPERATOR, user.company_id, user.id, PASSWORD, now=NOW)
    return user


async def new_customer(database: Database, email: str | None = None) -> User:
    """Add a company with a person that has a password, maybe with the address of somebody else."""
    tenant = await new_tenant(database)
    if email is not None:
        async with database.transaction() as tx:
            values = {"email": email}
            await accounts.change_user(tx, OPERATOR, tenant.company.id, tenant.user.id, values, now=NOW)
    return await with_password(database, tenant.user)


async def send(visitor: Visitor, email: str, query: str = "", password: str = PASSWORD) -> httpx.Response:
    """Open the page of the sign-in and send its form."""
    await visitor.get("/sign-in")
    fields = {"csrf": csrf.token_for(visitor.cookies["visitor"]), "email": email, "password": password}
    return await visitor.post(f"/sign-in{query}", fields)


async def choose(visitor: Visitor, company_id: object, query: str = "") -> httpx.Response:
    fields = {"csrf": csrf.token_for(visitor.cookies["visitor"]), "company": str(company_id)}
    return await visitor.post(f"/sign-in/company{query}", fields)


@pytest.mark.parametrize(
    ("query", "leads_to"),
    [
        ("", "/portal"),
        ("?next=/", "/portal"),
        ("?next=/portal/services", "/portal/services"),
        ("?next=/console/open", "/portal"),
        ("?next=/console", "/portal"),
        ("?next=https://evil.example.com/", "/portal"),
    ],
)
async def test_a_customer_gets_the_portal(
    client: httpx.AsyncClient, database: Database, query: str, leads_to: str
) -> None:
    user, visitor = await new_customer(database), Visitor(client)
    answer = await send(visitor, user.email, query)
    assert (answer.status_code, answer.headers["location"]) == (303, leads_to)
    assert (await visitor.get("/portal/tickets")).status_code == 200
    assert (await visitor.get("/sign-in")).headers["location"] == "/portal"
    assert (await visitor.get("/console/open")).status_code == 403


@pytest.mark.parametrize("area", ["portal", "console"])
async def test_the_link_of_a_mail_leads_to_its_page_after_the_sign_in(
    client: httpx.AsyncClient, database: Database, area: str
) -> None:
    is_customer = area == "portal"
    user = await (new_customer(database) if is_customer else new_person_with_password(database))
    path, visitor = f"/{area}/tickets/INC000000000042", Visitor(client)
    opened = await visitor.get(path)
    assert (opened.status_code, opened.headers["location"]) == (303, f"/sign-in?next={quote(path, safe='')}")
    assert "session" not in visitor.cookies
    answer = await send(visitor, user.email, opened.headers["location"].removeprefix("/sign-in"))
    assert (answer.status_code, answer.headers["location"]) == (303, path)


async def test_an_agent_who_wanted_a_page_of_the_portal_gets_the_console(
    client: httpx.AsyncClient, database: Database
) -> None:
    user = await new_person_with_password(database)
    answer = await send(Visitor(client), user.email, "?next=/portal/tickets")
    assert answer.headers["location"] == "/console"


async def test_whoever_belongs_to_two_companies_chooses_one(client: httpx.AsyncClient, database: Database) -> None:
    agent, visitor = await new_person_with_password(database), Visitor(client)
    customer = await new_customer(database, agent.email)
    answer = await send(visitor, agent.email, "?next=/portal/services")
    assert answer.headers["location"] == "/sign-in/company?next=%2Fportal%2Fservices"
    assert (await visitor.get("/portal/tickets")).status_code == 303
    page = Page((await visitor.get("/sign-in/company")).text)
    assert [button["value"] for button in page.all("button")] == [str(agent.company_id), str(customer.company_id)]
    chosen = await choose(visitor, customer.company_id, "?next=/portal/services")
    assert (chosen.status_code, chosen.headers["location"]) == (303, "/portal/services")
    assert visitor.cookies["choice"] == ""
    assert (await visitor.get("/portal/tickets")).status_code == 200
    again = await choose(visitor, customer.company_id)
    assert again.headers["location"] == "/sign-in"


async def test_the_page_of_companies_says_nothing_before_the_password(
    client: httpx.AsyncClient, database: Database
) -> None:
    user = await new_customer(database)
    await new_customer(database, user.email)
    wrong, unknown = Visitor(client), Visitor(client)
    answers = [
        await send(visitor, email, password="wrong")
        for visitor, email in ((wrong, user.email), (unknown, "nobody@example.com"))
    ]
    for visitor, answer in zip((wrong, unknown), answers, strict=True):
        assert answer.status_code == 422
        assert "choice" not in visitor.cookies
        opened = await visitor.get("/sign-in/company")
        assert (opened.status_code, opened.headers["location"]) == (303, "/sign-in")
        forged = await choose(visitor, user.company_id)
        assert (forged.status_code, forged.headers["location"]) == (303, "/sign-in")
    assert {answer.headers.get("set-cookie") for answer in answers} == {None}


async def test_a_company_that_is_none_is_not_found(client: httpx.AsyncClient, database: Database) -> None:
    agent, visitor = await new_person_with_password(database), Visitor(client)
    await new_customer(database, agent.email)
    await send(visitor, agent.email)
    assert (await choose(visitor, "nothing")).status_code == 404
    other = await new_customer(database)
    assert (await choose(visitor, other.company_id)).headers["location"] == "/sign-in"
    assert (await choose(visitor, agent.company_id)).headers["location"] == "/console"


async def test_a_customer_signs_out_and_changes_the_theme(client: httpx.AsyncClient, database: Database) -> None:
    user, visitor = await new_customer(database), Visitor(client)
    await send(visitor, user.email)
    token = csrf.token_for(visitor.cookies["session"])
    theme = await visitor.post("/theme", {"csrf": token, "theme": "dark"})
    assert (theme.status_code, theme.headers["location"]) == (303, "/portal")
    out = await visitor.post("/sign-out", {"csrf": token})
    assert (out.status_code, out.headers["location"]) == (303, "/sign-in")
    assert (await visitor.get("/portal/tickets")).status_code == 303


async def test_the_start_page_leads_everybody_on(client: httpx.AsyncClient) -> None:
    answer = await client.get("/")
    assert answer.status_code == 200
    page = Page(answer.text)
    assert {"/sign-in", "/sign-in?next=/portal", "/sign-in?next=/console", "/docs"} <= set(page.links("/"))
    assert page.all("script") == []
    assert "Support" in page.text
    policy = answer.headers["content-security-policy"]
    for rule in ("script-src 'none'", "frame-ancestors 'none'", "form-action 'none'", "base-uri 'none'"):
        assert rule in policy
    for link in page.links("/"):
        assert (await client.get(link)).status_code == 200, link
