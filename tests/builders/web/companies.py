"""A company in the browser of its admin."""

from typing import NamedTuple

import httpx

from clearline.accounts import usecases as accounts
from clearline.identity import OPERATOR, Role, User
from clearline.platform.database.transactions import Database
from clearline.web.once import new_key
from tests.builders.people import Tenant, new_person, new_tenant
from tests.builders.web.pages import Page, Person, session_of

COMPANY = "/portal/company"


class PortalCompany(NamedTuple):
    """A company in the browser of its admin. ``tenant.user`` is a customer without more rights."""

    admin: Person
    tenant: Tenant
    database: Database

    async def user(self, email: str) -> User:
        async with self.database.statement() as tx:
            return await accounts.get_user(tx, OPERATOR, self.tenant.company.id, email)

    async def send(self, path: str, expected: int = 303, /, **fields: str) -> httpx.Response:
        """Send a form of the pages of the company."""
        answer = await self.admin.post(COMPANY + path, **{"once": new_key(), **fields})
        assert answer.status_code == expected, answer.text
        return answer


async def new_portal_company(client: httpx.AsyncClient, database: Database) -> PortalCompany:
    """Add a company with an admin who is signed in."""
    tenant = await new_tenant(database)
    async with database.transaction() as tx:
        admin = await new_person(tx, "Ines Duarte", Role.CUSTOMER_ADMIN, company=tenant.company.code)
    assert admin.user is not None
    return PortalCompany(await session_of(client, database, admin.user), tenant, database)


def secrets_in(answer: httpx.Response) -> list[str]:
    """Return the secrets that a page shows, which are shown only once."""
    return [field["value"] or "" for field in Page(answer.text).all("input") if "readonly" in field]
