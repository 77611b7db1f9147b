import asyncio
import os
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from click.testing import Result

from clearline import clock
from clearline.platform.database.transactions import Database
from clearline.tickets.attachments.domain import guess_type
from clearline.tickets.domain import ticket_number
from tests.builders.application import run_command, run_json
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
