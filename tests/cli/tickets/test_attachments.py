import asyncio
import json
import os
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from click.testing import Result

from clearline import clock
from clearline.platform.database.transactions import Database
from clearline.settings.settings import Settings
from clearline.tickets.attachments.blobs import open_blobs
from clearline.tickets.attachments.domain import guess_type
from clearline.tickets.attachments.marks.worker import StoreMonitor
from clearline.tickets.domain import ticket_number
from tests.builders.application import run_command, run_json
from tests.builders.databases import new_database
from tests.builders.people import Tenant, new_tenant
from tests.builders.tickets import raised

ID = "00000000-0000-4000-8000-000000000042"


async def a_ticket(url: str) -> tuple[Tenant, str]:
    database = await Database.open(url, size=2)
    try:
        tenant = await new_tenant(database)
        async with database.transaction() as tx:
            return tenant, ticket_number(await raised(tx, tenant))
    finally:
        await database.close()


@pytest.fixture(scope="module")
def tenant_and_number(database_url: str) -> tuple[Tenant, str]:
    return asyncio.run(a_ticket(database_url))


@pytest.fixture(scope="module")
def number(tenant_and_number: tuple[Tenant, str]) -> str:
    return tenant_and_number[1]


@pytest.fixture(autouse=True)
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty data directory; the working directory is another one."""
    folder = tmp_path / "data"
    folder.mkdir()
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return folder


def run_attachment(url: str, folder: Path, *arguments: str, text: str | None = None) -> Result:
    return run_command(url, "attachment", *arguments, text=text, CLEARLINE_DATA_DIR=str(folder))


def attachment_json(url: str, folder: Path, *arguments: str) -> object:
    return run_json(url, "attachment", *arguments, CLEARLINE_DATA_DIR=str(folder))


def test_a_file_is_attached_listed_downloaded_and_deleted(database_url: str, data_dir: Path, number: str) -> None:
    source = data_dir.parent / ".trace.pcap"
    source.write_bytes(bytes(range(256)) * 5000)
    attachment = attachment_json(database_url, data_dir, "add", number, str(source), "--internal")
    assert isinstance(attachment, dict)
    assert (attachment["name"], attachment["media_type"], attachment["size"]) == (
        ".trace.pcap",
        "application/vnd.tcpdump.pcap",
        1_280_000,
    )
    assert (attachment["visibility"], attachment["source"], attachment["ticket"]) == ("internal", "seller", number)
    assert attachment_json(database_url, data_dir, "list", number) == [attachment]
    assert ".trace.pcap" in run_attachment(database_url, data_dir, "list", number).stdout

    downloaded = attachment_json(database_url, data_dir, "get", number, attachment["id"])
    assert downloaded == attachment
    assert Path("_trace.pcap").read_bytes() == source.read_bytes()
    again = run_attachment(database_url, data_dir, "get", number, attachment["id"])
    assert (again.exit_code, again.stderr) == (
        1,
        "refused: _trace.pcap already exists; give another name with -o\n",
    )
    assert run_attachment(database_url, data_dir, "get", number, attachment["id"], "-o", "other").exit_code == 0
    assert Path("other").read_bytes() == source.read_bytes()
    assert sorted(path.name for path in Path().iterdir()) == ["_trace.pcap", "other"]

    deleted = run_attachment(database_url, data_dir, "delete", number, attachment["id"])
    assert deleted.stdout == f".trace.pcap deleted from {number}.\n"
    assert attachment_json(database_url, data_dir, "list", number) == []
    assert [path for path in (data_dir / "attachments").rglob("*") if path.is_file()] == []
    history = run_json(database_url, "ticket", "history", number)
    assert [event["type"] for event in history[-2:]] == ["attachment.added", "attachment.removed"]


def test_standard_input_and_output_can_be_used(database_url: str, data_dir: Path, number: str) -> None:
    nameless = run_attachment(database_url, data_dir, "add", number, "-", text="x")
    assert (nameless.exit_code, "--name" in nameless.stderr) == (2, True)
    added = run_attachment(
        database_url, data_dir, "add", number, "-", "--name", "log", "--type", "text/plain", text="one\ntwo\n"
    )
    assert added.stdout.startswith("log (8 bytes) attached with id ")
    attachment_id = added.stdout.split()[-1].rstrip(".")
    downloaded = run_attachment(database_url, data_dir, "get", number, attachment_id, "-o", "-")
    assert (downloaded.exit_code, downloaded.stdout) == (0, "one\ntwo\n")


def test_damaged_or_missing_content_is_an_error(database_url: str, data_dir: Path, number: str) -> None:
    added = run_attachment(database_url, data_dir, "add", number, "-", "--name", "log.txt", text="good")
    attachment_id = added.stdout.split()[-1].rstrip(".")
    (stored,) = (data_dir / "attachments").glob(f"*/{attachment_id}")
    stored.write_bytes(b"evil")
    damaged = run_attachment(database_url, data_dir, "get", number, attachment_id)
    assert (damaged.exit_code, "its SHA-256 differs" in damaged.stderr) == (3, True)
    stored.unlink()
    missing = run_attachment(database_url, data_dir, "get", number, attachment_id)
    assert (missing.exit_code, "is missing" in missing.stderr) == (3, True)
    assert "clearline doctor" in missing.stderr
    piped = run_attachment(database_url, data_dir, "get", number, attachment_id, "-o", "-")
    assert (piped.exit_code, piped.stdout) == (3, "")
    assert list(Path().iterdir()) == []


def test_the_sweep_deletes_content_without_a_ticket(
    database_url: str, data_dir: Path, tenant_and_number: tuple[Tenant, str]
) -> None:
    orphan = data_dir / "attachments" / str(tenant_and_number[0].company.id) / str(uuid4())
    orphan.parent.mkdir(parents=True)
    orphan.write_bytes(b"x")
    assert attachment_json(database_url, data_dir, "sweep") == {"swept": 0}
    old = (clock.now() - timedelta(days=2)).timestamp()
    os.utime(orphan, (old, old))
    assert attachment_json(database_url, data_dir, "sweep") == {"swept": 1}
    assert not orphan.exists()


@pytest.fixture
async def own_url(postgres: str) -> AsyncIterator[str]:
    async with new_database(postgres) as url:
        yield url


def checks(url: str, folder: Path) -> dict[str, tuple[bool, str]]:
    """Return what the doctor says, by the names of its checks."""
    report = json.loads(run_command(url, "doctor", "--json", CLEARLINE_DATA_DIR=str(folder)).stdout)
    return {check["name"]: (check["ok"], check["detail"]) for check in report["checks"]}


async def server_starts(url: str, folder: Path) -> str | None:
    """Look at the store as a server does at its start; return the problem that it logs."""
    database = await Database.open(url, size=3)
    monitor = StoreMonitor(database, open_blobs(Settings(data_dir=folder)), clock.now)
    await monitor.check()
    await database.close()
    return monitor.problem


async def test_two_nodes_with_stores_apart_are_told_and_one_store_is_adopted(own_url: str, data_dir: Path) -> None:
    _tenant, number = await a_ticket(own_url)
    apart = data_dir.parent / "apart"

    def attach_and_look() -> None:
        before = checks(own_url, data_dir)
        assert before["attachment store"] == (True, "a server marks it when it starts")
        assert before["attached files"] == (True, "none")
        assert f"in {data_dir}/attachments, which does not exist yet" in before["attachments"][1]
        added = run_attachment(own_url, data_dir, "add", number, "-", "--name", "log.txt", text="good")
        assert added.exit_code == 0, added.stderr

    await asyncio.to_thread(attach_and_look)
    assert await server_starts(own_url, data_dir) is None
    problem = await server_starts(own_url, apart)
    assert problem is not None
    assert problem.startswith(f"{apart}/attachments is not the store of attachments of this desk: it has no mark")

    def look_again_and_adopt() -> None:
        there = checks(own_url, data_dir)
        assert there["attachment store"] == (True, "has the mark of this desk")
        assert there["attached files"] == (True, "the newest 1 are there")
        away = checks(own_url, apart)
        assert away["attachment store"] == (False, problem)
        assert away["attached files"][0] is False
        assert f"1 of the newest 1 are missing or incomplete in {apart}/attachments" in away["attached files"][1]
        assert number in away["attached files"][1]
        missing = run_attachment(own_url, apart, "adopt", "--yes")
        assert (missing.exit_code, "does not exist" in missing.stderr) == (4, True)
        apart.mkdir()
        refused = run_attachment(own_url, apart, "add", number, "-", "--name", "log.txt", text="lost")
        assert (refused.exit_code, refused.stderr) == (4, f"error: {problem}\n")
        assert list(apart.rglob("*")) == []
        swept = run_attachment(own_url, apart, "sweep")
        assert (swept.exit_code, swept.stderr) == (4, f"error: {problem}\n")
        adopted = run_attachment(own_url, apart, "adopt", "--yes")
        became = f"{apart}/attachments is the store of this desk now."
        assert adopted.stdout == f"{became} It has 0 of the newest 1 attachments of the desk.\n"
        assert checks(own_url, apart)["attachment store"] == (True, "has the mark of this desk")
        again = run_attachment(own_url, apart, "adopt", "--yes")
        assert again.stdout == f"{apart}/attachments is the store of this desk already.\n"
        ok, detail = checks(own_url, data_dir)["attachment store"]
        assert (ok, "it has the mark of another desk" in detail) == (False, True)

    await asyncio.to_thread(look_again_and_adopt)


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (("add", "NUMBER", "-", "--name", "a/.."), 1, "refused: name must not be blank or only dots"),
        (("add", "NUMBER", "-", "--name", "a.html"), 1, "refused: media_type must be one of"),
        (("add", "INC000000999999", "-", "--name", "a.txt"), 1, "refused: ticket INC000000999999 does not exist"),
        (("add", "NUMBER", "nowhere.txt"), 2, "nowhere.txt cannot be read: No such file or directory"),
        (("get", "NUMBER", ID), 1, f"refused: attachment {ID} does not exist"),
        (("delete", "NUMBER", ID), 1, f"refused: attachment {ID} does not exist"),
        (("get", "NUMBER", "seven"), 2, "Invalid value"),
        (("list", "seven"), 1, "refused: ticket seven does not exist"),
    ],
)
def test_a_refusal_stores_nothing(
    database_url: str, data_dir: Path, number: str, arguments: tuple[str, ...], status: int, message: str
) -> None:
    done = run_attachment(
        database_url, data_dir, *(number if argument == "NUMBER" else argument for argument in arguments), text="x"
    )
    assert (done.exit_code, done.stdout) == (status, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not data_dir.exists() or [path for path in data_dir.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.pcap", "application/vnd.tcpdump.pcap"),
        ("a.pcapng", "application/x-pcapng"),
        ("A.LOG", "text/plain"),
        ("a.csv", "text/csv"),
        ("a.csv.gz", "application/gzip"),
        ("a.xz", None),
        ("a.txt.xz", None),
        ("a", None),
    ],
)
def test_the_type_is_guessed_from_the_name(name: str, kind: str | None) -> None:
    assert guess_type(name) == kind
