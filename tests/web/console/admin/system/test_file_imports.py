"""Files of tickets come in by page, and with them a whole desk."""

import io
import json
import re
import subprocess
import sys
import zipfile
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import pytest

from clearline.bulk import usecases as jobs
from clearline.bulk import worker as workers
from clearline.bulk.domain import Counts
from clearline.clock import now
from clearline.identity import OPERATOR, Role
from clearline.platform.database.transactions import Database
from clearline.settings.settings import Settings
from clearline.tickets.attachments import usecases as attachments
from clearline.tickets.attachments.blob_backend import Key
from clearline.tickets.attachments.blobs import Blobs, open_blobs
from clearline.tickets.attachments.worker import delete_orphaned_files
from clearline.tickets.domain import ticket_number
from clearline.web import csrf
from tests.builders.application import serving
from tests.builders.attachments import SOON
from tests.builders.people import Tenant
from tests.builders.tickets import raised
from tests.builders.web.pages import Page, Person, person

PATH = "/console/admin/imports"
HOW_TO = Path("docs/how-to/move-from-another-desk.md")


@pytest.fixture(scope="module")
def settings(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder = tmp_path_factory.mktemp("attachments")
    return Settings(
        database_url=database_url, rate_limit=0, access_log=False, workers=False, chronic_tickets=0,
        attachments=str(folder),
    )  # fmt: skip


@pytest.fixture(scope="module")
async def client(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(settings) as opened:
        yield opened


@pytest.fixture
def blobs(settings: Settings) -> Blobs:
    return open_blobs(settings)


@pytest.fixture
async def admin(client: httpx.AsyncClient, database: Database) -> Person:
    return await person(client, database, Role.ADMIN)


def packed(files: Mapping[str, bytes]) -> bytes:
    """Return a ZIP archive with files by their paths."""
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return body.getvalue()


def listed(*rows: dict[str, object]) -> bytes:
    return "".join(f"{json.dumps(row)}\n" for row in rows).encode()


async def send(who: Person, subject: str, body: bytes, archive: bytes | None = None, **fields: str) -> httpx.Response:
    data = {csrf.FIELD: who.token_of_form(), "once": uuid4().hex, "subject": subject, **fields}
    files = {"file": ("list.ndjson", body, "application/x-ndjson")}
    if archive is not None:
        files["archive"] = ("files.zip", archive, "application/zip")
    return await who.client.post(PATH, headers=who.headers, data=data, files=files)


async def worked(database: Database, answer: httpx.Response) -> Counts:
    """Process an import as a worker does, and return what became of its lines."""
    assert answer.status_code == 303, answer.text
    job_id = UUID(answer.headers["location"].rsplit("/", 1)[-1])
    async with database.statement() as tx:
        job = await jobs.get_import(tx, OPERATOR, job_id)
    await workers.work(database, job, now, most=10_000)
    async with database.statement() as tx:
        counts = (await jobs.get_import(tx, OPERATOR, job_id)).counts
    assert counts is not None
    return counts


async def test_files_are_checked_then_attached_once_with_their_content(
    admin: Person, database: Database, blobs: Blobs, tenant: Tenant
) -> None:
    async with database.transaction() as tx:
        number = await raised(tx, tenant)
    rows = listed(
        {"path": "trace.txt", "ticket": ticket_number(number), "author": "Olu"},
        {"path": "photos/port.png", "ticket": ticket_number(number), "visibility": "internal"},
        {"path": "missing.txt", "ticket": ticket_number(number)},
        {"path": "trace.txt", "ticket": "INC999999999999"},
        {"path": "trace.txt"},
    )
    archive = packed({"files/trace.txt": b"hop 1", "files/photos/port.png": b"not really a picture"})

    answer = await send(admin, "files", rows, archive, dry_run="on")
    assert await worked(database, answer) == Counts(2, 0, 3, 0)
    page = await admin.page(answer.headers["location"])
    for words in ("missing.txt is not in the archive", "INC999999999999 does not exist", "Files of tickets, dry run"):
        assert words in page.text
    again = [field["name"] for field in page.all("input") if field.get("type") == "file"]
    assert again == ["file", "archive"]
    async with database.statement() as tx:
        assert await attachments.list_attachments(tx, OPERATOR, number) == []

    assert await worked(database, await send(admin, "files", rows, archive)) == Counts(2, 0, 3, 0)
    async with database.statement() as tx:
        stored = await attachments.list_attachments(tx, OPERATOR, number)
        assert [file.name for file in await attachments.list_attachments(tx, tenant.actor, number)] == ["trace.txt"]
    assert [(file.name, file.author, file.media_type) for file in stored] == [
        ("trace.txt", "Olu", "text/plain"), ("port.png", "Import", "image/png"),
    ]  # fmt: skip
    content = [chunk async for chunk in blobs.read(Key(stored[0].company_id, stored[0].id), length=stored[0].size)]
    assert b"".join(content) == b"hop 1"

    assert await worked(database, await send(admin, "files", rows, archive)) == Counts(0, 2, 3, 0)


async def test_the_content_of_a_waiting_import_is_no_orphan(
    admin: Person, database: Database, blobs: Blobs, tenant: Tenant
) -> None:
    async with database.transaction() as tx:
        number = await raised(tx, tenant)
    rows = listed({"path": "a.txt", "ticket": ticket_number(number)})
    answer = await send(admin, "files", rows, packed({"a.txt": b"kept"}))
    assert sum([count async for count in delete_orphaned_files(database, blobs, before=now() + SOON)]) == 0
    assert await worked(database, answer) == Counts(1, 0, 0, 0)
    async with database.statement() as tx:
        [file] = await attachments.list_attachments(tx, OPERATOR, number)
    content = [chunk async for chunk in blobs.read(Key(file.company_id, file.id), length=file.size)]
    assert content == [b"kept"]


@pytest.mark.parametrize(
    ("archive", "words"),
    [(None, "Choose the ZIP archive"), (b"no archive", "Must be a ZIP archive"), (b"", "Must be a ZIP archive")],
    ids=["none", "text", "empty"],
)
async def test_without_a_readable_archive_the_form_is_shown_again(
    admin: Person, archive: bytes | None, words: str
) -> None:
    answer = await send(admin, "files", listed({"path": "a.txt", "ticket": "INC000000000001"}), archive)
    assert answer.status_code == 422, answer.text
    assert words in Page(answer.text).text


def made_up_desk(folder: Path) -> None:
    """Run the script of the guide that writes the files of a desk."""
    [script] = re.findall(
        r"^python3 - <<'END'\n(.*?)^END$", HOW_TO.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )
    (folder / "desk" / "files").mkdir(parents=True)
    subprocess.run([sys.executable, "-c", script], cwd=folder, check=True)


async def test_a_whole_desk_moves_in_by_pages(admin: Person, database: Database, tmp_path: Path) -> None:
    made_up_desk(tmp_path)
    desk = tmp_path / "desk"
    archive = packed({f"files/{path.name}": path.read_bytes() for path in (desk / "files").iterdir()})
    expected = {"companies.csv": 3, "people.csv": 20, "services.csv": 15, "tickets.ndjson": 200, "files.ndjson": 20}
    for turn in ("first", "again"):
        for name, lines in expected.items():
            body, files = (desk / name).read_bytes(), archive if name == "files.ndjson" else None
            subject = name.partition(".")[0]
            counts = Counts(lines, 0, 0, 0) if turn == "first" else Counts(0, lines, 0, 0)
            checked = await worked(database, await send(admin, subject, body, files, dry_run="on"))
            assert (name, turn, checked) == (name, turn, counts)
            assert await worked(database, await send(admin, subject, body, files)) == counts
