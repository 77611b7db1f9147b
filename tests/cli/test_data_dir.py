"""Which data directory a command uses: a wrong one never becomes a new desk."""

import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import clearline
from tests.builders.application import run_command
from tests.builders.databases import as_root, reachable_dir
from tests.builders.processes import require_reachable
from tests.patience import patient


@pytest.fixture
def folder() -> Iterator[Path]:
    """Yield a directory for data directories."""
    path = reachable_dir("clearline-cli-")
    yield path
    shutil.rmtree(path)


def run(data_dir: Path, *arguments: str, account: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command in its own process, with the embedded database of a data directory."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("CLEARLINE_")}
    environment = {
        **clean,
        "CLEARLINE_DATA_DIR": str(data_dir),
        "PYTHONPATH": str(Path(clearline.__file__).parents[1]),
        "HOME": "/",
    }
    command = [sys.executable, "-m", "clearline", *arguments]
    return subprocess.run(
        command,
        env=environment,
        cwd="/",
        capture_output=True,
        text=True,
        timeout=patient(60),
        check=False,
        user=account,
        group=account and pwd.getpwnam(account).pw_gid,
    )


@pytest.mark.parametrize(
    "command",
    [
        ("ticket", "list"),
        ("company", "add", "Birch", "--code", "BIR001"),
        ("search", "rebuild"),
        ("events", "tail"),
        ("attachment", "sweep"),
        ("ticket", "export"),
        ("key", "create", "--company", "PROVIDER"),
    ],
)
def test_a_wrong_data_directory_never_becomes_a_new_desk(folder: Path, command: tuple[str, ...]) -> None:
    missing, empty = folder / "clearlin", folder / "empty"
    empty.mkdir(mode=0o711)
    for wrong in (missing, empty):
        done = run(wrong, *command)
        assert (done.returncode, done.stdout) == (4, "")
        assert done.stderr.startswith(f"error: the data directory {wrong} has no desk, and only clearline serve, ")
        assert len(done.stderr.splitlines()) == 1
    assert not missing.exists()
    assert list(empty.iterdir()) == []


def test_doctor_names_a_data_directory_without_a_desk(folder: Path) -> None:
    done = run(folder / "clearlin", "doctor")
    assert done.returncode == 3
    assert f"the data directory {folder / 'clearlin'} has no desk" in done.stdout
    assert not (folder / "clearlin").exists()


def test_migrate_creates_a_desk_that_other_commands_then_use(folder: Path) -> None:
    assert run(folder / "data", "migrate").returncode == 0
    assert run(folder / "data", "company", "add", "Birch", "--code", "BIR001").returncode == 0
    listed = run(folder / "data", "company", "list")
    assert (listed.returncode, "BIR001" in listed.stdout) == (0, True)


@as_root
def test_an_account_that_may_not_look_into_the_data_directory_is_refused(folder: Path) -> None:
    require_reachable("nobody")
    (folder / "closed").mkdir(mode=0o700)
    done = run(folder / "closed" / "data", "ticket", "list", account="nobody")
    assert (done.returncode, done.stdout) == (4, "")
    assert "run the command as the account of the server" in done.stderr


@pytest.mark.parametrize("settings", ["CLEARLINE_DATA_DIR", "CLEARLINE_ATTACHMENTS"])
def test_an_attachment_is_not_put_where_no_server_looks(database_url: str, folder: Path, settings: str) -> None:
    wrong = folder / "wrong"
    done = run_command(
        database_url,
        "attachment",
        "add",
        "INC000000000001",
        "-",
        "--name",
        "log.txt",
        text="x",
        **{settings: str(wrong)},
    )
    assert (done.exit_code, done.stdout) == (4, "")
    assert done.stderr.startswith(f"error: the directory {wrong} does not exist: set CLEARLINE_DATA_DIR and ")
    assert not wrong.exists()
