"""A section of the administration within one customer: made for each request, since its path has the customer's id."""

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Any, ClassVar, TypeVar
from uuid import UUID

from clearline.accounts import usecases as accounts
from clearline.errors import NotFound
from clearline.identity import PROVIDER_ID, Scope
from clearline.platform.database.transactions import Tx
from clearline.web.console.admin.companies import COMPANIES
from clearline.web.console.admin.section import Section
from clearline.web.fields import known_id
from clearline.web.visit import Page, Visit
from clearline.wires.http.call import Answer

R = TypeVar("R")
S = TypeVar("S", bound="CompanySection[Any]")


class CompanySection(Section[R]):
    """Records of one customer. ``part`` is the last segment of the path."""

    part: ClassVar[str]
    scope = Scope.ACCOUNTS_WRITE
    here = COMPANIES.path

    def __init__(self, company_id: UUID) -> None:
        self.company_id = company_id
        self.back = COMPANIES.address(company_id)
        self.path = f"{self.back}/{self.part}"
        self.company_name = ""

    async def load_company(self, visit: Visit, tx: Tx) -> None:
        """Read the name of the customer, which the words of the page have."""
        self.company_name = (await accounts.get_company(tx, visit.actor, self.company_id)).name

    async def handle_delete(self, visit: Visit) -> Answer:
        """Delete the record in the address."""
        return await self.handle_action(visit, "delete", self.delete, ends=True)


Action = tuple[str, Callable[[Any, Visit], Awaitable[Answer]]]
"""The name of a form in the table of pages, and what handles it."""


def company_pages(
    section: type[S], plural: str, parameter: str, actions: Mapping[str, Action] = MappingProxyType({})
) -> list[Page]:
    """Return the pages of a section within a customer; ``parameter`` names the record's id in the paths.

    ``actions`` are the forms that do something else to a record than changing it, by the last segment of their path.
    The provider is no customer: what is its own is in sections of its own.
    """
    path = f"{COMPANIES.path}/{{id}}/{section.part}"
    record, name = f"{path}/{{{parameter}}}", section.noun[0].upper() + section.noun[1:]
    pages = [company_page(section, f"admin{plural}", "GET", path, section.show_list)]
    if section.can_create:
        pages.append(company_page(section, f"new{name}", "GET", f"{path}/new", section.show_new))
        pages.append(company_page(section, f"create{name}", "POST", path, section.handle_create))
    pages.append(company_page(section, f"show{name}", "GET", record, section.show))
    if section.can_change:
        pages.append(company_page(section, f"change{name}", "POST", record, section.handle_change))
    if section.can_delete:
        pages.append(company_page(section, f"delete{name}", "POST", f"{record}/delete", section.handle_delete))
    pages += [
        company_page(section, action, "POST", f"{record}/{word}", handle) for word, (action, handle) in actions.items()
    ]
    return pages


def company_page(
    section: type[S], name: str, method: str, path: str, handle: Callable[[S, Visit], Awaitable[Answer]]
) -> Page:
    """Return a page of a section within a customer."""

    async def answer(visit: Visit) -> Answer:
        company_id = known_id("company", visit.path["id"])
        if company_id == PROVIDER_ID:
            raise NotFound("company", str(company_id))
        return await handle(section(company_id), visit)

    return Page(name, method, path, answer, section.scope)
