"""Records within one company: a section of them is made for each request."""

from abc import abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Any, ClassVar, TypeVar
from uuid import UUID

from clearline.accounts import usecases as accounts
from clearline.identity import Scope
from clearline.platform.database.transactions import Tx
from clearline.web.fields import known_id
from clearline.web.records.section import Section
from clearline.web.visit import Page, Visit
from clearline.wires.http.call import Answer

R = TypeVar("R")
S = TypeVar("S", bound="CompanySection[Any]")


class CompanySection(Section[R]):
    """Records of one company. ``part`` is the last segment of the path; the page of the company is ``back``.

    ``parameter`` names the id of a record in the paths, and ``kind`` what is not found when there is none.
    """

    part: ClassVar[str]
    parameter: ClassVar[str]
    kind: ClassVar[str]
    scope = Scope.ACCOUNTS_WRITE

    def __init__(self, company_id: UUID) -> None:
        self.company_id = company_id
        self.back = self.page_of_company(company_id)
        self.path = f"{self.back}/{self.part}"
        self.company_name = ""

    @abstractmethod
    def page_of_company(self, company_id: UUID) -> str:
        """Return the address of the page of the company."""

    def record_id(self, visit: Visit) -> Any:
        """Return the id of the record in the address."""
        return known_id(self.kind, visit.path[self.parameter])

    async def load_company(self, visit: Visit, tx: Tx) -> None:
        """Read the name of the company, which the words of the page have."""
        self.company_name = (await accounts.get_company(tx, visit.actor, self.company_id)).name

    async def handle_delete(self, visit: Visit) -> Answer:
        """Delete the record in the address."""
        return await self.handle_action(visit, "delete", self.delete, ends=True)


Action = tuple[str, Callable[[Any, Visit], Awaitable[Answer]]]
"""The name of a form in the table of pages, and what handles it."""


class CompanyPages:
    """Makes the pages of sections within a company. ``base`` is the path of the page of the company.

    ``company_of`` returns the company that a request is about.
    """

    def __init__(self, base: str, company_of: Callable[[Visit], UUID]) -> None:
        self._base, self._company_of = base, company_of

    def of(self, section: type[S], plural: str, actions: Mapping[str, Action] = MappingProxyType({})) -> list[Page]:
        """Return the pages of a section.

        ``actions`` are the forms that do something else to a record than changing it, by the last segment of their
        path.
        """
        path = f"{self._base}/{section.part}"
        record, name = f"{path}/{{{section.parameter}}}", section.noun[0].upper() + section.noun[1:]
        pages = [self.page(section, f"admin{plural}", "GET", path, section.show_list)]
        if section.can_create:
            pages.append(self.page(section, f"new{name}", "GET", f"{path}/new", section.show_new))
            pages.append(self.page(section, f"create{name}", "POST", path, section.handle_create))
        pages.append(self.page(section, f"show{name}", "GET", record, section.show))
        if section.can_change:
            pages.append(self.page(section, f"change{name}", "POST", record, section.handle_change))
        if section.can_delete:
            pages.append(self.page(section, f"delete{name}", "POST", f"{record}/delete", section.handle_delete))
        pages += [
            self.page(section, action, "POST", f"{record}/{word}", handle) for word, (action, handle) in actions.items()
        ]
        return pages

    def page(
        self, section: type[S], name: str, method: str, path: str, handle: Callable[[S, Visit], Awaitable[Answer]]
    ) -> Page:
        """Return a page of a section."""

        async def answer(visit: Visit) -> Answer:
            return await handle(section(self._company_of(visit)), visit)

        return Page(name, method, path, answer, section.scope)
