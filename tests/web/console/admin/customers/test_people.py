"""The people of a customer in the administration."""

import re
from typing import NamedTuple
from uuid import uuid4

import httpx
import pytest

from clearline.accounts import usecases as accounts
from clearline.identity import OPERATOR, PROVIDER_ID, Role, User
from clearline.platform.database.transactions import Database
from clearline.web import csrf
from tests.builders.people import Tenant, new_tenant
from tests.builders.sign_in.sessions import PASSWORD
from tests.builders.web.pages import Page, Person, person
from tests.builders.web.visitors import Visitor
from tests.web.console.admin.forms import let_time_pass

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)>"


class Customer(NamedTuple):
    """A customer, an admin, and the address of the customer's people."""

    admin: Person
    tenant: Tenant
    database: Database

    @property
    def path(self) -> str:
        return f"/console/admin/companies/{self.tenant.company.id}/people"

    async def added(self, **values: str) -> str:
        """Add a person; return the address of its form."""
        answer = await self.admin.post(self.path, **form_of(**values))
        assert answer.status_code == 303, answer.text
        return answer.headers["location"].partition("?")[0]

    async def people(self) -> dict[str, User]:
        """Return the people by name."""
        async with self.database.statement() as tx:
            users = await accounts.list_users(tx, OPERATOR, self.tenant.company.id)
        return {user.name: user for user in users}


@pytest.fixture
async def customer(client: httpx.AsyncClient, database: Database) -> Customer:
    return Customer(await person(client, database, Role.ADMIN), await new_tenant(database), database)


def form_of(**values: str) -> dict[str, str]:
    email = f"{uuid4().hex}@example.com"
    return {"name": "Ines", "email": email, "phone": "+1-555-0142", "role": "customer", "once": uuid4().hex, **values}


def hidden(page: Page, name: str) -> str:
    return next(field["value"] or "" for field in page.all("input") if field.get("name") == name)


async def test_a_person_is_added_once_and_changed(customer: Customer) -> None:
    admin, form = customer.admin, form_of(role="customer_admin")
    first, again = await admin.post(customer.path, **form), await admin.post(customer.path, **form)
    assert first.headers["location"] == again.headers["location"]
    added = (await customer.people())["Ines"]
    assert (added.email, added.role, added.is_active, added.is_confirmed) == (
        form["email"], Role.CUSTOMER_ADMIN, True, True,
    )  # fmt: skip
    path = first.headers["location"].partition("?")[0]
    assert path in (await admin.page(customer.path)).links(customer.path)
    version = hidden(await admin.page(path), "version")
    changed = {**form, "name": "Ines Duarte", "role": "customer", "is_confirmed": "on"}
    answer = await admin.post(path, **changed, version=version)
    assert "Saved." in (await admin.page(answer.headers["location"])).text
    stored = (await customer.people())["Ines Duarte"]
    assert (stored.role, stored.is_active, stored.is_confirmed) == (Role.CUSTOMER, False, True)
    assert "inactive" in (await admin.page(customer.path)).text
    late = await admin.post(path, **{**changed, "name": "Mine"}, version=version)
    assert late.status_code == 409
    assert "Now stored: Ines Duarte" in Page(late.text).text


@pytest.mark.parametrize(
    ("name", "wrong", "shown"),
    [
        ("name", "", "Must have 1 to 255 characters."),
        ("email", "nothing", "Must"),
        ("email", HOSTILE, "Must"),
        ("role", "admin", "Must"),
        ("role", HOSTILE, "Must be one of"),
        ("phone", "x" * 300, "Must"),
    ],
)
async def test_a_refused_form_names_the_field_and_keeps_the_rest(
    customer: Customer, name: str, wrong: str, shown: str
) -> None:
    path = await customer.added()
    version, before = hidden(await customer.admin.page(path), "version"), await customer.people()
    for address in (customer.path, path):
        form = form_of(
            **{"name": "kept here", "version": version, "is_active": "on", "is_confirmed": "on", name: wrong}
        )
        refused = await customer.admin.post(address, **form)
        assert refused.status_code == 422, refused.text
        assert shown in Page(refused.text).text
        assert f'id="about-{name}"' in refused.text
        assert name == "name" or 'value="kept here"' in refused.text
        assert "<script>alert" not in refused.text
    assert await customer.people() == before


async def test_an_address_is_that_of_one_person_of_the_company(customer: Customer) -> None:
    taken = await customer.admin.post(customer.path, **form_of(email=customer.tenant.user.email))
    assert taken.status_code == 409
    assert "exists already" in Page(taken.text).text


async def test_what_gives_access_needs_the_password_again(customer: Customer) -> None:
    path = await customer.added()
    stored = (await customer.people())["Ines"]
    form = {**form_of(email=stored.email), "is_active": "on", "is_confirmed": "on"}
    version = hidden(await customer.admin.page(path), "version")
    await let_time_pass(customer.database, customer.admin.user)
    for address, sent in (
        (customer.path, form_of()),
        (path, {**form, "role": "customer_admin", "version": version}),
        (path, {**form, "email": "other@example.com", "version": version}),
    ):
        asked = await customer.admin.post(address, **sent)
        assert (asked.status_code, "Confirm that it is you" in asked.text) == (403, True)
    assert (await customer.people())["Ines"] == stored
    assert (await customer.admin.post(path, **{**form, "phone": "", "version": version})).status_code == 303


async def test_people_of_another_company_are_not_there(customer: Customer) -> None:
    other = await new_tenant(customer.database)
    address = f"{customer.path}/{other.user.id}"
    assert (await customer.admin.get(address)).status_code == 404
    assert (await customer.admin.post(address, **form_of(version="x"))).status_code == 404


async def test_the_provider_is_no_customer(customer: Customer) -> None:
    for part in ("people", "services"):
        path = f"/console/admin/companies/{PROVIDER_ID}/{part}"
        assert (await customer.admin.get(path)).status_code == 404
        assert (await customer.admin.post(path, **form_of(id="X", type="Port", label="X"))).status_code == 404
    address = f"/console/admin/companies/{PROVIDER_ID}/people/{customer.admin.user.id}"
    assert (await customer.admin.get(address)).status_code == 404
    assert (await customer.admin.post(address, **form_of(version="x"))).status_code == 404


async def test_names_are_shown_as_text(customer: Customer) -> None:
    path = await customer.added(name=HOSTILE)
    for address in (customer.path, path):
        answer = await customer.admin.get(address)
        assert "<script>alert" not in answer.text
        assert not [tag for tag, attributes in Page(answer.text).tags if "onerror" in attributes]


async def test_an_admin_gives_a_person_a_link_and_ends_its_sessions(
    customer: Customer, client: httpx.AsyncClient
) -> None:
    path = await customer.added()
    page = await customer.admin.page(path)
    assert "Make a sign-in link" in page.text
    answer = await customer.admin.post(f"{path}/link")
    match = re.search(r"/sign-in/link\?token=[\w-]{43}", answer.text)
    assert match is not None, answer.text
    visitor = Visitor(client)
    await visitor.get(match[0])
    fields = {"csrf": csrf.token_for(visitor.cookies["visitor"]), "password": PASSWORD}
    chosen = await visitor.post(match[0], fields)
    assert (chosen.status_code, chosen.headers["location"]) == (303, "/portal")
    assert (await visitor.get("/portal/tickets")).status_code == 200
    ended = await customer.admin.post(f"{path}/sign-out")
    assert ended.status_code == 303
    assert "All sessions have ended." in (await customer.admin.page(ended.headers["location"])).text
    assert (await visitor.get("/portal/tickets")).status_code == 303
    refused = await customer.admin.post(f"{path}/second-factor")
    assert (refused.status_code, "has no second factor" in refused.text) == (409, True)


async def test_a_link_needs_the_password_again(customer: Customer) -> None:
    path = await customer.added()
    await let_time_pass(customer.database, customer.admin.user)
    asked = await customer.admin.post(f"{path}/link")
    assert (asked.status_code, "Confirm that it is you" in asked.text) == (403, True)
