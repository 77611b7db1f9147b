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
