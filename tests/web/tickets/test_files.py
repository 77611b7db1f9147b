"""A file whose content is missing: the pages say so beside it, and everything else of the ticket is there."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from clearline.identity import Role
from clearline.platform.database.transactions import Database
from clearline.settings.settings import Settings
from clearline.tickets.domain import Status, ticket_number
from clearline.web.once import new_key
from tests.builders.application import serving
from tests.builders.people import Tenant, new_tenant
from tests.builders.tickets import raised
from tests.builders.web.pages import Page, Person, person, session_of

LINES = {
    "portal": "router.log cannot be downloaded: its content is missing on our side. Please tell us.",
    "console": (
        "router.log cannot be downloaded: its content is not in the file store. clearline doctor says what to do."
    ),
}


@pytest.fixture(scope="module")
async def client(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[httpx.AsyncClient]:
    folder = tmp_path_factory.mktemp("desk")
    settings = Settings(database_url=database_url, data_dir=folder, rate_limit=0, access_log=False, workers=False)
    async with serving(settings) as opened:
        opened.headers["x-folder"] = str(folder)
        yield opened


def between(link: str, text: str) -> str:
    """Return what stands in a link."""
    return text.partition(f'href="{link}"')[2].partition("</a>")[0]


class WithFiles:
    """A ticket with two files, the page of it in a browser, and the folder where its company's files are."""

    def __init__(self, reader: Person, path: str, folder: Path) -> None:
        self.reader, self.path, self.folder = reader, path, folder

    async def link(self, name: str) -> str:
        text = (await self.reader.get(self.path)).text
        [link] = [link for link in Page(text).links(f"{self.path}/files/") if name in between(link, text)]
        return link


@pytest.fixture(params=["portal", "console"])
async def opened(request: pytest.FixtureRequest, client: httpx.AsyncClient, database: Database) -> WithFiles:
    tenant: Tenant = await new_tenant(database)
    async with database.transaction() as tx:
        number = ticket_number(await raised(tx, tenant, "Port is slow", status=Status.IN_PROGRESS))
    customer = await session_of(client, database, tenant.user)
    files = {"router.log": b"CRC 18422", "levels.txt": b"rx -14.6"}
    path = f"/portal/tickets/{number}"
    sent = await customer.post_files(f"{path}/messages", files, once=new_key(), text="See the log")
    assert sent.status_code == 303, sent.text
    folder = Path(client.headers["x-folder"]) / "attachments" / str(tenant.company.id)
    if request.param == "portal":
        return WithFiles(customer, path, folder)
    return WithFiles(await person(client, database, Role.AGENT), f"/console/tickets/{number}", folder)


async def test_a_missing_file_is_named_beside_it_and_the_ticket_stays_readable(
    opened: WithFiles, request: pytest.FixtureRequest
) -> None:
    line = LINES[request.node.callspec.params["opened"]]
    link, other = await opened.link("router.log"), await opened.link("levels.txt")
    stored = opened.folder / link.rpartition("/")[2]
    content = stored.read_bytes()
    stored.unlink()
    answer = await opened.reader.get(link)
    assert answer.status_code == 303
    to = answer.headers["location"]
    assert to == f"{opened.path}?all=1&missing={stored.name}#missing-{stored.name}"
    page = await opened.reader.page(to.partition("#")[0])
    [said] = [tag for tag in page.all("p") if (tag.get("id") or "").startswith("missing")]
    assert said["role"] == "alert"
    assert line in page.text
    assert "See the log" in page.text
    assert (await opened.reader.get(other)).content == b"rx -14.6"

    stored.write_bytes(content)
    again = await opened.reader.page(to.partition("#")[0])
    assert line not in again.text, "the file is back"
    assert (await opened.reader.get(link)).content == content


async def test_a_script_gets_the_error_and_a_page_says_nothing_of_others(opened: WithFiles) -> None:
    link = await opened.link("router.log")
    shutil.rmtree(opened.folder)
    answer = await opened.reader.get(link, **{"Sec-Fetch-Mode": "cors"})
    assert (answer.status_code, "retry-after" in answer.headers) == (404, False)
    assert "This file is missing" in Page(answer.text).text
    for named in ("x", "", "00000000-0000-4000-8000-000000000042"):
        page = await opened.reader.page(f"{opened.path}?missing={named}")
        assert [tag for tag in page.all("p") if (tag.get("id") or "").startswith("missing")] == []


async def test_customers_read_it_in_their_language(client: httpx.AsyncClient, database: Database) -> None:
    tenant = await new_tenant(database)
    async with database.transaction() as tx:
        number = ticket_number(await raised(tx, tenant, "Port is slow", status=Status.IN_PROGRESS))
    customer, path = await session_of(client, database, tenant.user), f"/portal/tickets/{number}"
    await customer.post_files(f"{path}/messages", {"router.log": b"CRC 18422"}, once=new_key(), text="")
    await customer.post("/portal/me/language", language="de")
    [link] = (await customer.page(path)).links(f"{path}/files/")
    shutil.rmtree(Path(client.headers["x-folder"]) / "attachments" / str(tenant.company.id))
    page = await customer.page((await customer.get(link)).headers["location"].partition("#")[0])
    assert "router.log kann nicht heruntergeladen werden: Der Inhalt fehlt bei uns." in page.text
    scripted = await customer.get(link, **{"Sec-Fetch-Mode": "cors"})
    assert "Diese Datei fehlt" in Page(scripted.text).text
