"""Companies, people, services and files come in by the command line, checked first, and safe to repeat."""

import json
from pathlib import Path
from uuid import uuid4

import pytest

from clearline.identity import OPERATOR
from clearline.platform.database.transactions import Database
from clearline.tickets.attachments import usecases as attachments
from clearline.tickets.note_domain import Source
from tests.builders.application import run_command, run_json
from tests.builders.people import Tenant
from tests.builders.tickets import import_line


def counts(url: str, *arguments: str) -> tuple[int, int, int]:
    answer = run_json(url, "import", *arguments)["counts"]
    return answer["done"], answer["unchanged"], answer["refused"]


def test_files_of_companies_people_and_services_are_checked_imported_and_imported_again(
    database_url: str, tmp_path: Path
) -> None:
    code = f"C{uuid4().hex[:8]}"
    file = tmp_path / "companies.csv"
    file.write_text(f"code,name\n{code},Company {code}\n")
    assert counts(database_url, "companies", str(file), "--dry-run") == (1, 0, 0)
    assert counts(database_url, "companies", str(file)) == (1, 0, 0)
    assert counts(database_url, "companies", str(file)) == (0, 1, 0)
    people = tmp_path / "people.ndjson"
    people.write_text(json.dumps({"company": code, "email": f"{code}@example.com", "name": "Ada"}) + "\nnothing\n")
    refused = run_command(database_url, "import", "people", str(people))
    assert refused.exit_code == 1
    assert "line 2: line is no JSON" in refused.stderr
    services = tmp_path / "services.csv"
    services.write_text(f"company,id,type,label,rate\n{code},P-1,Port,Port,10G\n")
    assert counts(database_url, "services", str(services)) == (1, 0, 0)


@pytest.fixture
def files(tmp_path: Path, fresh: Tenant) -> Path:
    """Return a folder with files of another desk, and a list of them for two tickets."""
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "trace.txt").write_text("hop 1")
    (tmp_path / "old" / "photo.png").write_bytes(b"not really a picture")
    external = {"system": "oldesk", "id": "1"}
    rows = [
        {"path": "trace.txt", "company": fresh.company.code, "external": external, "author": "Olu"},
        {"path": "photo.png", "company": fresh.company.code, "external": external, "visibility": "internal"},
    ]
    (tmp_path / "files.ndjson").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    line = import_line(fresh, external=external, status="closed")
    (tmp_path / "tickets.ndjson").write_text(line)
    return tmp_path


async def test_files_are_attached_once_to_tickets_in_any_status_and_notify_nobody(
    database: Database, database_url: str, fresh: Tenant, files: Path
) -> None:
    command = ("import", "files", str(files / "files.ndjson"), "--folder", str(files / "old"))
    data_dir = {"CLEARLINE_DATA_DIR": str(files)}
    run_json(database_url, "import", "tickets", str(files / "tickets.ndjson"))
    for options, expected in ((("--dry-run",), (2, 0)), ((), (2, 0)), ((), (0, 2))):
        counts = run_json(database_url, *command, *options, **data_dir)["counts"]
        assert (counts["done"], counts["unchanged"], counts["refused"]) == (*expected, 0)
    async with database.transaction() as tx:
        number = await tx.fetchval("select number from ticket where company_id = $1", fresh.company.id)
        stored = await attachments.list_attachments(tx, OPERATOR, number)
        seen = await attachments.list_attachments(tx, fresh.actor, number)
        waiting = await tx.fetchval("select count(*) from notification where company_id = $1", fresh.company.id)
    assert {(file.name, file.author, file.source, file.media_type) for file in stored} == {
        ("trace.txt", "Olu", Source.SYSTEM, "text/plain"), ("photo.png", "Import", Source.SYSTEM, "image/png"),
    }  # fmt: skip
    assert [file.name for file in seen] == ["trace.txt"]
    assert waiting == 0


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ({"path": "../files.ndjson", "ticket": "INC000000000001"}, "is no file below the folder"),
        ({"path": "missing.txt", "ticket": "INC000000000001"}, "is no file below the folder"),
        ({"path": "trace.txt"}, "/ticket must name its number, or company and external id, but not both"),
        ({"path": "trace.txt", "ticket": "INC999999999999"}, "does not exist"),
        ({"path": "trace.txt", "ticket": "42"}, "/ticket must be INC and twelve digits"),
        ({"path": "trace.txt", "company": "{code}", "external": {"system": "oldesk", "id": "none"}}, "oldesk:none"),
        ({"path": "trace.txt", "ticket": "INC000000000001", "visibility": "secret"}, "/visibility must be one of"),
    ],
)
def test_a_wrong_line_of_a_list_of_files_says_why(
    database_url: str, fresh: Tenant, files: Path, row: dict[str, object], why: str
) -> None:
    if "company" in row:
        row = {**row, "company": fresh.company.code}
    (files / "wrong.ndjson").write_text(json.dumps(row))
    command = ("import", "files", str(files / "wrong.ndjson"), "--folder", str(files / "old"))
    refused = run_command(database_url, *command, CLEARLINE_DATA_DIR=str(files))
    assert refused.exit_code == 1
    assert why in refused.stderr
