"""The mail domains of a customer in the administration."""

from typing import NamedTuple
from uuid import UUID, uuid4

import httpx
import pytest

from clearline.accounts import mail_domain_usecases as mail_domains
from clearline.accounts.mail_domain import DomainState, MailDomain, Proof
from clearline.clock import now
from clearline.identity import OPERATOR, Role
from clearline.platform.database.transactions import Database
from tests.builders.people import Tenant, new_tenant
from tests.builders.web.pages import Page, Person, led_to, person
from tests.web.console.admin.forms import let_time_pass


class Domains(NamedTuple):
    """A customer, an admin, and the address of the customer's mail domains."""

    admin: Person
    tenant: Tenant
    database: Database

    @property
    def path(self) -> str:
        return f"/console/admin/companies/{self.tenant.company.id}/domains"

    async def added(self, **values: str) -> str:
        """Add a domain; return the address of its page."""
        answer = await self.admin.post(self.path, **form_of(**values))
        assert answer.status_code == 303, answer.text
        return answer.headers["location"].partition("?")[0]

    async def stored(self, path: str) -> MailDomain:
        async with self.database.statement() as tx:
            domain_id = UUID(path.rsplit("/", 1)[-1])
            return await mail_domains.get_domain(tx, OPERATOR, self.tenant.company.id, domain_id)


@pytest.fixture
async def domains(client: httpx.AsyncClient, database: Database) -> Domains:
    return Domains(await person(client, database, Role.ADMIN), await new_tenant(database), database)


def form_of(**values: str) -> dict[str, str]:
    return {"name": f"d{uuid4().hex}.example.com", "by": "dns", "once": uuid4().hex, **values}


async def test_a_domain_shows_the_record_that_proves_it_and_is_checked_when_asked(domains: Domains) -> None:
    form = form_of(includes_subdomains="on")
    first, again = await domains.admin.post(domains.path, **form), await domains.admin.post(domains.path, **form)
    assert first.headers["location"] == again.headers["location"]
    path = first.headers["location"].partition("?")[0]
    stored = await domains.stored(path)
    assert (stored.name, stored.state, stored.includes_subdomains) == (form["name"], DomainState.PENDING, True)
    page = await domains.admin.page(path)
    assert [field["value"] for field in page.all("input") if "readonly" in field] == [stored.record]
    assert f"@{form['name']} and all subdomains" in page.text
    listed = await domains.admin.page(domains.path)
    assert path in listed.links(domains.path)
    assert "waits for its record" in listed.text
    checked = await domains.admin.post(f"{path}/check")
    assert "It is checked within seconds." in (await domains.admin.page(checked.headers["location"])).text


async def test_a_domain_is_verified_by_word_and_deleted(domains: Domains) -> None:
    path = await domains.added()
    trusted = await domains.admin.post(f"{path}/trust")
    page = await domains.admin.page(trusted.headers["location"])
    assert "by the provider's word" in page.text
    assert "TXT record" not in page.text
    stored = await domains.stored(path)
    assert (stored.state, stored.verified_by) == (DomainState.VERIFIED, Proof.STAFF)
    at_once = await domains.stored(await domains.added(by="staff"))
    assert (at_once.state, at_once.verified_by) == (DomainState.VERIFIED, Proof.STAFF)
    deleted = await domains.admin.post(f"{path}/delete")
    assert led_to(deleted) == f"{domains.path}?done=delete"
    assert (await domains.admin.get(path)).status_code == 404


async def test_a_domain_of_another_company_is_no_domain_of_this_one(database: Database, domains: Domains) -> None:
    path = await domains.added()
    other = (await new_tenant(database)).company.id
    elsewhere = path.replace(str(domains.tenant.company.id), str(other))
    for answer in (
        await domains.admin.get(elsewhere),
        await domains.admin.post(f"{elsewhere}/check"),
        await domains.admin.post(f"{elsewhere}/trust"),
        await domains.admin.post(f"{elsewhere}/delete"),
    ):
        assert answer.status_code == 404


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ({"name": ""}, "Must be a domain, such as example.com."),
        ({"name": "no domain"}, "Must be a domain, such as example.com."),
        ({"name": "gmail.com"}, "Must not be a public mail service: its users belong to nobody."),
        ({"by": "magic"}, "Must be one of dns, staff."),
    ],
)
async def test_a_refused_form_names_the_field_and_keeps_what_was_typed(
    domains: Domains, values: dict[str, str], shown: str
) -> None:
    form = form_of(includes_subdomains="on", **values)
    answer = await domains.admin.post(domains.path, **form)
    assert answer.status_code == 422
    assert shown in Page(answer.text).text
    fields = {field["name"]: field for field in Page(answer.text).all("input") if field.get("name")}
    assert fields["name"]["value"] == form["name"]
    assert "checked" in fields["includes_subdomains"]


async def test_a_domain_that_another_company_has_is_refused(database: Database, domains: Domains) -> None:
    name = f"{uuid4().hex}.example.com"
    async with database.transaction() as tx:
        other = (await new_tenant(database)).company.id
        await mail_domains.add_domain(tx, OPERATOR, other, name, by=Proof.STAFF, now=now())
    answer = await domains.admin.post(domains.path, **form_of(name=name))
    assert answer.status_code == 409
    assert f"Another company has the domain {name}, or one that overlaps it: delete that first." in answer.text


async def test_to_verify_by_word_needs_the_password_again(database: Database, domains: Domains) -> None:
    path = await domains.added()
    await let_time_pass(database, domains.admin.user)
    for answer in (
        await domains.admin.post(f"{path}/trust"),
        await domains.admin.post(domains.path, **form_of(by="staff")),
    ):
        assert answer.status_code == 403
        assert "Confirm that it is you" in answer.text
    assert (await domains.stored(path)).state is DomainState.PENDING
    assert (await domains.admin.post(domains.path, **form_of())).status_code == 303
