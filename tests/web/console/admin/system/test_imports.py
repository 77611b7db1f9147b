"""Imports of companies, people, services and tickets by an admin in the console."""

from uuid import UUID, uuid4

import httpx
import pytest

from clearline.accounts import usecases as accounts
from clearline.bulk import usecases as jobs
from clearline.bulk import worker as workers
from clearline.bulk.domain import AddNote, ImportRequest, ImportSubject, Job
from clearline.clock import now
from clearline.identity import OPERATOR, Role
from clearline.platform.database.transactions import Database
from clearline.tickets.domain import Channel, ticket_number
from clearline.web import csrf
from tests.builders.people import Tenant
from tests.builders.tickets import raised
from tests.builders.web.pages import Page, Person, person

PATH = "/console/admin/imports"


@pytest.fixture(scope="module")
def has_workers() -> bool:
    return False


@pytest.fixture
async def admin(client: httpx.AsyncClient, database: Database) -> Person:
    return await person(client, database, Role.ADMIN)


async def send(who: Person, body: bytes | None, **fields: str) -> httpx.Response:
    data = {csrf.FIELD: who.token_of_form(), "once": uuid4().hex, "subject": "people", **fields}
    files = {"file": ("a.csv", body, "text/csv") if body is not None else ("", b"", "application/octet-stream")}
    return await who.client.post(PATH, headers=who.headers, data=data, files=files)


async def job_at(database: Database, path: str) -> Job:
    async with database.statement() as tx:
        return await jobs.get_import(tx, OPERATOR, UUID(path.rsplit("/", 1)[-1]))


async def work(database: Database, path: str) -> None:
    """Process an import, as a worker does."""
    await workers.work(database, await job_at(database, path), now, most=1000)


def people(tenant: Tenant, *emails: str) -> bytes:
    rows = [f"{tenant.company.code},{email},Ines Duarte" for email in emails]
    return "\n".join(["company,email,name", *rows]).encode()


async def has_person(database: Database, tenant: Tenant, email: str) -> bool:
    async with database.statement() as tx:
        return await accounts.find_user(tx, tenant.company.id, email) is not None


async def test_a_dry_run_says_what_is_wrong_and_the_import_stores_the_rest(
    admin: Person, database: Database, tenant: Tenant
) -> None:
    email = f"{uuid4().hex}@example.com"
    body = people(tenant, email, "not an address")
    answer = await send(admin, body, dry_run="on")
    assert answer.status_code == 303, answer.text
    path = answer.headers["location"]
    page = await admin.page(path)
    assert "Checking: 0 of 2 lines." in page.text
    [polled] = [
        element["hx-get"] for _tag, element in page.tags if "hx-get" in element and element.get("id") == "result"
    ]
    assert polled == f"{path}/progress"
    await work(database, path)
    assert not await has_person(database, tenant, email)
    for address in (path, f"{path}/progress"):
        page = await admin.page(address)
        assert "Nothing is changed yet. To import: 1. As they are: 0. Wrong: 1." in page.text
        assert "2 Email must be an e-mail address" in page.text
        assert not [element for _tag, element in page.tags if element.get("hx-trigger") == "every 2s"]
    assert "Import for real" in page.text

    real = (await send(admin, body)).headers["location"]
    await work(database, real)
    assert await has_person(database, tenant, email)
    page = await admin.page(real)
    assert "Imported: 1. As they were: 0. Wrong: 1." in page.text
    assert "Import for real" not in page.text
    assert "People, dry run" in (await admin.page(PATH)).text


async def test_the_same_form_sent_twice_makes_one_import(admin: Person, tenant: Tenant) -> None:
    body, key = people(tenant, f"{uuid4().hex}@example.com"), uuid4().hex
    first, again = [await send(admin, body, dry_run="on", once=key) for _time in range(2)]
    assert first.headers["location"] == again.headers["location"]
    assert (await admin.post(f"{first.headers['location']}/cancel")).status_code == 303


@pytest.mark.parametrize("subject", ["companies", "people", "services", "tickets"])
async def test_each_subject_and_both_formats_are_read(admin: Person, database: Database, subject: str) -> None:
    for body, kind in ((b'\xef\xbb\xbf {"nothing": 1}\n[]\n', "ndjson"), (b"company\nX\n", "csv")):
        answer = await send(
            admin, body.replace(b"company", b"name") if subject == "companies" else body, subject=subject
        )
        assert answer.status_code == 303, answer.text
        job = await job_at(database, answer.headers["location"])
        assert job.request == ImportRequest(kind, ImportSubject(subject))
        assert job.counts is not None
        assert job.counts.refused == job.total
        assert not job.dry_run
        await work(database, answer.headers["location"])


@pytest.mark.parametrize(
    ("body", "fields", "words"),
    [
        (None, {}, "Choose a file"),
        (b"", {}, "Choose a file"),
        (b"\xff\xfe", {}, "UTF-8"),
        (b"company,phones\n", {}, "heading with the unknown phones"),
        (b"company,email,name\n", {}, "Must have a line"),
        (b"company,email,name\nA,b,c\n", {"subject": "teams"}, "Must be one of tickets, companies"),
    ],
    ids=["none", "empty", "encoding", "heading", "no line", "subject"],
)
async def test_a_file_that_cannot_be_read_is_refused_and_the_form_is_kept(
    admin: Person, body: bytes | None, fields: dict[str, str], words: str
) -> None:
    answer = await send(admin, body, **fields)
    assert answer.status_code == 422, answer.text
    page = Page(answer.text)
    assert words.lower() in page.text.lower()
    dry_run = next(field for field in page.all("input") if field.get("name") == "dry_run")
    assert "checked" not in dry_run


async def test_a_file_that_is_too_large_is_refused(admin: Person) -> None:
    answer = await send(admin, b"a" * (10 * 1024 * 1024 + 1))
    assert answer.status_code == 422, answer.text
    assert "Must have at most 10 MB" in answer.text


async def test_many_wrong_lines_are_shown_page_by_page(admin: Person, database: Database) -> None:
    path = (await send(admin, b"{}\n" * 150, dry_run="on")).headers["location"]
    await work(database, path)
    page = await admin.page(path)
    assert f"{path}?from=100" in page.links(path)
    page = await admin.page(f"{path}?from=100")
    assert (" 101 " in page.text, " 100 /" in page.text, " 150 " in page.text) == (True, False, True)
    for garbage in ("-1", "x", "9" * 40, "%00"):
        assert (await admin.get(f"{path}?from={garbage}")).status_code == 200


async def test_an_import_is_cancelled_while_it_waits_and_not_afterwards(
    admin: Person, database: Database, tenant: Tenant
) -> None:
    email = f"{uuid4().hex}@example.com"
    path = (await send(admin, people(tenant, email))).headers["location"]
    answer = await admin.post(f"{path}/cancel")
    assert answer.status_code == 303, answer.text
    assert "Cancelled." in (await admin.page(path)).text
    await work(database, path)
    assert not await has_person(database, tenant, email)
    done = (await send(admin, b"{}\n")).headers["location"]
    await work(database, done)
    answer = await admin.post(f"{done}/cancel")
    assert answer.status_code == 409
    assert "The job is done" in answer.text


async def test_changes_of_many_tickets_are_no_imports(admin: Person, database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        number = ticket_number(await raised(tx, tenant))
        job = await jobs.create_bulk_job(tx, tenant.actor, [number], AddNote("Looking"), channel=Channel.API, now=now())
    assert (await admin.get(f"{PATH}/{job.id}")).status_code == 404
    assert (await admin.post(f"{PATH}/{job.id}/cancel")).status_code == 404
    assert f"{PATH}/{job.id}" not in (await admin.get(PATH)).text
    async with database.transaction() as tx:
        await jobs.cancel_job(tx, OPERATOR, job.id, now=now())
