"""Forms with files: each file is stored while it is received, and none stays of a form that is refused."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from clearline.identity import OPERATOR
from clearline.platform.database.transactions import Database
from clearline.settings.settings import Settings
from clearline.tickets import list_usecases as ticket_lists
from clearline.tickets.attachments import usecases as attachments
from clearline.tickets.attachments.domain import Attachment
from clearline.tickets.list_store import Filter
from clearline.web import csrf
from clearline.web.multipart import FILES_MAX
from tests.builders.application import serving
from tests.builders.people import Tenant, new_tenant
from tests.builders.web.pages import Page, Person, person

PATH = "/console/tickets/new"
MOST = 1000
EDGE = "edge-of-a-part"
END = f"\r\n--{EDGE}--\r\n".encode()


class Rig(NamedTuple):
    """A desk that accepts small text files, its store of files, an agent and a customer."""

    database: Database
    folder: Path
    agent: Person
    tenant: Tenant

    def fields(self, **changes: str) -> dict[str, str]:
        return {
            "once": f"key-{self.tenant.company.code}", "company": str(self.tenant.company.id), "service": "SVC-1",
            "title": "Port is down", "description": "No light", "issue_type": "Circuit Down", "name": "Ada Okoro",
            "email": "ada@example.com", "csrf": self.agent.token_of_form(),
        } | changes  # fmt: skip

    def contents(self) -> list[bytes]:
        """Return what is stored for the customer."""
        files = [path for path in self.folder.rglob("*") if path.is_file() and str(self.tenant.company.id) in str(path)]
        return sorted(path.read_bytes() for path in files)

    async def attached(self) -> list[Attachment]:
        """Return the files of the only ticket of the customer; none when it has no ticket."""
        async with self.database.transaction() as tx:
            of_company = Filter(state="all", company_id=self.tenant.company.id)
            views = await ticket_lists.list_tickets(tx, OPERATOR, of_company, after=None, limit=5)
            assert len(views) < 2
            return [
                file
                for view in views
                for file in await attachments.list_attachments(tx, self.tenant.actor, view.ticket.number)
            ]

    async def post_body(self, body: bytes, *, step: int = 100_000, boundary: str = EDGE) -> httpx.Response:
        """Send a body in pieces of ``step`` bytes."""

        async def pieces() -> AsyncIterator[bytes]:
            for start in range(0, len(body), step):
                yield body[start : start + step]

        headers = self.agent.headers | {"Content-Type": f"multipart/form-data; boundary={boundary}"}
        return await self.agent.client.post(PATH, headers=headers, content=pieces())


def part(disposition: str, content: bytes, more: str = "") -> bytes:
    return f"\r\n--{EDGE}\r\nContent-Disposition: form-data; {disposition}\r\n{more}\r\n".encode() + content


def encoded(fields: dict[str, str]) -> bytes:
    return b"".join(part(f'name="{name}"', value.encode()) for name, value in fields.items())


@pytest.fixture(scope="module")
async def small(
    database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[Path, httpx.AsyncClient]]:
    folder = tmp_path_factory.mktemp("files")
    settings = Settings(
        database_url=database_url, rate_limit=0, access_log=False, attachments=str(folder), attachment_max=MOST,
        attachment_types=("text/*",),
    )  # fmt: skip
    async with serving(settings) as client:
        yield folder, client


@pytest.fixture
async def rig(small: tuple[Path, httpx.AsyncClient], database: Database) -> Rig:
    folder, client = small
    return Rig(database, folder, await person(client, database), await new_tenant(database))


async def test_files_of_a_form_are_attached_once_and_the_customer_sees_them(rig: Rig) -> None:
    files = {"levels.txt": b"rx -14.6", 'a "quoted" name.txt': b"x" * MOST}
    first = await rig.agent.post_files(PATH, files, **rig.fields())
    again = await rig.agent.post_files(PATH, files, **rig.fields())
    assert first.status_code == 303, first.text
    assert again.headers["location"] == first.headers["location"]
    assert [(file.name, file.media_type, file.size) for file in await rig.attached()] == [
        ("levels.txt", "text/plain", 8), ('a "quoted" name.txt', "text/plain", MOST),
    ]  # fmt: skip
    assert rig.contents() == [b"rx -14.6", b"x" * MOST]


async def test_a_name_with_the_path_of_its_device_loses_the_path(rig: Rig) -> None:
    await rig.agent.post_files(PATH, {"C:\\fakepath\\levels.txt": b"rx -14.6"}, **rig.fields())
    assert [file.name for file in await rig.attached()] == ["levels.txt"]


async def test_a_form_that_was_sent_with_another_file_before_says_so(rig: Rig) -> None:
    await rig.agent.post_files(PATH, {"levels.txt": b"rx -14.6"}, **rig.fields())
    answer = await rig.agent.post_files(PATH, {"levels.txt": b"rx -14.7"}, **rig.fields())
    assert answer.status_code == 409
    assert "This form created a ticket before." in Page(answer.text).text
    assert rig.contents() == [b"rx -14.6"]


async def test_a_form_without_chosen_files_creates_a_ticket(rig: Rig) -> None:
    body = encoded(rig.fields()) + part('name="files"; filename=""', b"", "Content-Type: application/octet-stream\r\n")
    assert (await rig.post_body(body + END)).status_code == 303
    assert (await rig.attached(), rig.contents()) == ([], [])


@pytest.mark.parametrize("step", [1, 7, 64])
async def test_a_form_can_be_received_in_pieces_of_any_size(rig: Rig, step: int) -> None:
    content = f"\r\n--{EDGE[:-1]}\r\n--\r\n\r".encode()
    body = encoded(rig.fields(description="Two\r\nlines \u00e9")) + part(
        'name="files"; filename="\u00e9 %22.log"', content
    )
    answer = await rig.post_body(body + END, step=step)
    assert answer.status_code == 303, answer.text
    assert [(file.name, file.media_type) for file in await rig.attached()] == [('\u00e9 ".log', "text/plain")]
    assert rig.contents() == [content]
    assert "Two lines \u00e9" in Page((await rig.agent.get(answer.headers["location"])).text).text


@pytest.mark.parametrize(
    ("name", "content", "shown"),
    [
        ("big.txt", b"x" * (MOST + 1), "big.txt: must have at most 1000 bytes"),
        ("empty.txt", b"", "empty.txt: must not be empty"),
        ("a\\..", b"x", "a\\..: must not be blank or only dots"),
        ("x" * 256 + ".txt", b"x", ": must have 1 to 255 characters"),
        ("a\u202eb.txt", b"x", "must not contain control characters"),
    ],
)
async def test_a_file_that_is_refused_refuses_the_form_with_its_name(
    rig: Rig, name: str, content: bytes, shown: str
) -> None:
    answer = await rig.agent.post_files(PATH, {"good.txt": b"good", name: content}, **rig.fields())
    page = Page(answer.text)
    assert answer.status_code == 422
    assert shown in page.text
    assert "Choose the files again" in page.text
    assert "No light" in page.text
    assert (await rig.attached(), rig.contents()) == ([], [])


async def test_a_type_that_is_not_accepted_and_too_many_files_refuse_the_form(rig: Rig) -> None:
    body = encoded(rig.fields()) + part('name="files"; filename="a.png"', b"x", "Content-Type: image/png\r\n")
    answer = await rig.post_body(body + END)
    assert (answer.status_code, "a.png: must be one of text/*" in Page(answer.text).text) == (422, True)
    answer = await rig.agent.post_files(PATH, {f"{at}.txt": b"x" for at in range(FILES_MAX + 2)}, **rig.fields())
    assert (answer.status_code, "Files must be at most 20" in Page(answer.text).text) == (422, True)
    assert (await rig.attached(), rig.contents()) == ([], [])


async def test_no_file_stays_of_a_form_with_another_mistake(rig: Rig) -> None:
    for changes in ({"title": ""}, {"company": "nobody"}, {"service": "SVC-404"}, {"once": ""}, {"step": "company"}):
        answer = await rig.agent.post_files(PATH, {"levels.txt": b"rx -14.6"}, **rig.fields(**changes))
        assert answer.status_code in {200, 422}, answer.text
    assert (await rig.attached(), rig.contents()) == ([], [])


async def test_nothing_is_stored_before_the_token_of_the_session(rig: Rig) -> None:
    file = part('name="files"; filename="a.txt"', b"x")
    fields = rig.fields()
    for body in (
        file + encoded(fields),
        encoded(fields | {csrf.FIELD: "A" * 43}) + file,
        encoded({name: value for name, value in fields.items() if name != csrf.FIELD}) + file,
        encoded({name: value for name, value in fields.items() if name != csrf.FIELD}),
    ):
        assert (await rig.post_body(body + END)).status_code == 403
    assert (await rig.attached(), rig.contents()) == ([], [])


async def test_a_broken_form_does_nothing(rig: Rig) -> None:
    whole = encoded(rig.fields()) + part('name="files"; filename="a.txt"', b"x" * 500)
    for body, boundary in (
        (whole, EDGE),
        (whole[:-499], EDGE),
        (whole + END, "another"),
        (whole + END, ""),
        (whole + END, "x" * 2000),
        (b"", EDGE),
        (encoded(rig.fields()) + part('name="files"; filename="a.txt"', b"x", f"X-Long: {'x' * 9000}\r\n") + END, EDGE),
        (encoded(rig.fields() | {"description": "x" * 600_000}) + END, EDGE),
        (encoded(rig.fields()) + part('name="a"', b"x") * 3001 + END, EDGE),
    ):
        answer = await rig.post_body(body, boundary=boundary)
        assert answer.status_code == 403, (body[-50:], boundary[:20])
    assert (await rig.attached(), rig.contents()) == ([], [])


async def test_only_forms_with_files_are_received_as_such(rig: Rig) -> None:
    answer = await rig.agent.post_files("/console/bulk", {"a.txt": b"x"}, ticket="1")
    assert answer.status_code == 403
