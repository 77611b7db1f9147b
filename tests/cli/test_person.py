"""Commands about what is stored about a person."""

import json
import zipfile
from pathlib import Path

from tests.builders.application import run_command


def test_a_person_is_exported_into_a_file(database_url: str, tmp_path: Path) -> None:
    run_command(database_url, "company", "add", "Elm Networks", "--code", "ELM001")
    added = ("--company", "ELM001", "--name", "Ira Holm", "--email", "ira@elm.example.com")
    run_command(database_url, "user", "add", *added)
    target = tmp_path / "person.zip"
    exported = run_command(database_url, "person", "export", "ira@elm.example.com", "--output", str(target))
    assert exported.exit_code == 0, exported.output
    with zipfile.ZipFile(target) as archive:
        assert json.loads(archive.read("person.json"))["records"] == {"app_user": 1}
    missing = tmp_path / "nobody.zip"
    refused = run_command(database_url, "person", "export", "nobody@elm.example.com", "--output", str(missing))
    assert (refused.exit_code, refused.stderr) == (1, "refused: person nobody@elm.example.com does not exist\n")
    assert not missing.exists()


def test_a_person_is_erased_after_a_dry_run(database_url: str) -> None:
    run_command(database_url, "company", "add", "Ash Networks", "--code", "ASH001")
    added = ("--company", "ASH001", "--name", "Lena Voss", "--email", "lena@ash.example.com")
    run_command(database_url, "user", "add", *added)
    asked = ("person", "erase", "lena@ash.example.com", "--reason", "By letter")
    dry = run_command(database_url, *asked, "--dry-run")
    assert dry.exit_code == 0, dry.output
    assert dry.stdout.split()[:4] == ["TABLE", "ROWS", "app_user", "1"]
    assert run_command(database_url, "user", "find", "lena@ash.example.com").stdout.count("Lena Voss") == 1
    erased = run_command(database_url, *asked, "--yes", "--json")
    assert erased.exit_code == 0, erased.output
    erasure = json.loads(erased.stdout)
    users = run_command(database_url, "user", "list", "--company", "ASH001").stdout
    assert "Lena Voss" not in users
    assert erasure["pseudonym"]["name"] in users
    early = run_command(database_url, "person", "certificate", erasure["id"][:8])
    assert (early.exit_code, early.stderr) == (1, "refused: the erasure is not done yet\n")
    listed = json.loads(run_command(database_url, "person", "erasures", "--json").stdout)
    assert [(one["dry_run"], one["finished_at"] is None) for one in listed] == [(False, True), (True, False)]
