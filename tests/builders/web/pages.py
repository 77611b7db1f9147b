"""Browsers without a screen: people who are signed in, their pages and their forms."""

from html.parser import HTMLParser

import httpx

from clearline.identity import Role, User
from clearline.platform.database.transactions import Database
from clearline.sign_in import password_store
from clearline.sign_in.domain import DEFAULT_SESSION_LIMITS
from clearline.sign_in.usecases import new_session
from clearline.web import csrf
from tests.builders.people import new_staff
from tests.builders.sign_in.sessions import DEVICE

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


class Page(HTMLParser):
    """What a test asks of a page: its tags with their attributes, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def text(self) -> str:
        """The words of the page, with one space between them."""
        return " ".join(" ".join(self.texts).split())

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]

    def links(self, prefix: str) -> list[str]:
        """Return the addresses of links that begin with a prefix, in their order."""
        return [href for attributes in self.all("a") if (href := attributes.get("href") or "").startswith(prefix)]


class Person:
    """A person who is signed in, as a browser sends its requests."""

    def __init__(self, client: httpx.AsyncClient, token: str, user: User) -> None:
        self.client, self.token, self.user = client, token, user

    @property
    def headers(self) -> dict[str, str]:
        return {**BROWSER, "Cookie": f"__Host-clearline-session={self.token}"}

    def token_of_form(self) -> str:
        """Return a token as a form of this person carries it."""
        return csrf.token_for(self.token)

    async def get(self, path: str, **headers: str) -> httpx.Response:
        return await self.client.get(path, headers=self.headers | headers)

    async def page(self, path: str) -> Page:
        """Return a page that is there."""
        answer = await self.get(path)
        assert answer.status_code == 200, answer.text
        return Page(answer.text)

    async def post(self, path: str, **fields: str | list[str]) -> httpx.Response:
        """Send a form of a page of this person."""
        return await self.client.post(path, headers=self.headers, data={csrf.FIELD: self.token_of_form(), **fields})

    async def post_files(self, path: str, files: dict[str, bytes], **fields: str) -> httpx.Response:
        """Send a form with files, by their names."""
        data = {csrf.FIELD: self.token_of_form(), **fields}
        parts = [("files", (name, content, "text/plain")) for name, content in files.items()]
        return await self.client.post(path, headers=self.headers, data=data, files=parts)

    async def upload(self, path: str, name: str, content: bytes) -> httpx.Response:
        """Send a file as the composer does."""
        headers = {**self.headers, "X-CSRF-Token": self.token_of_form(), "Content-Type": "text/plain"}
        return await self.client.post(path, params={"name": name}, headers=headers, content=content)


def led_to(answer: httpx.Response) -> str:
    """Return where a form led, with the name of what was done, and without its signature."""
    location = answer.headers["location"]
    return location[: location.rindex(".")] if "?done=" in location else location


async def person(
    client: httpx.AsyncClient, database: Database, role: Role = Role.AGENT, name: str = "Ben Ito"
) -> Person:
    """Add a person to the provider, and sign it in."""
    return await session_of(client, database, (await new_staff(database, role, name)).user)


async def session_of(client: httpx.AsyncClient, database: Database, user: User) -> Person:
    """Sign a user in without a password; only people of the provider can do so themselves."""
    return Person(client, await token_of(database, user), user)


async def token_of(database: Database, user: User) -> str:
    """Return the token of a new session of a user, who did not enter its password."""
    async with database.transaction() as tx:
        locked = await password_store.lock(tx, user.company_id, user.id)
        assert locked is not None
        now = await tx.fetchval("select now()")
        begun = await new_session(tx, locked, DEVICE, DEFAULT_SESSION_LIMITS, second_factor=False, now=now)
    return begun.token
