"""make release: the changelog, the commit, the tag, and what is refused."""

import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CHANGES = """# Changes

## Unreleased

### Added
- A container.

## 1.0.0 (2026-10-01)

### Added
- Everything.
"""


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Return a clone in which 1.0.0 was released."""
    (tmp_path / "release").mkdir()
    shutil.copyfile(ROOT / "release" / "cut.py", tmp_path / "release" / "cut.py")
    (tmp_path / "CHANGELOG.md").write_text(CHANGES)
    git(tmp_path, "init", "-q")
    git(tmp_path, "config", "user.name", "Ida Moss")
    git(tmp_path, "config", "user.email", "ida@example.net")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "first")
    git(tmp_path, "tag", "v1.0.0")
    return tmp_path


def git(folder: Path, *arguments: str) -> str:
    command = ["git", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout.strip()


def cut(folder: Path, version: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, str(folder / "release" / "cut.py"), version]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_release_has_its_changes_its_commit_and_its_tag(clone: Path) -> None:
    before = datetime.now(UTC)
    done = cut(clone, "1.1.0")
    assert done.returncode == 0, done.stderr
    text = (clone / "CHANGELOG.md").read_text()
    day = re.findall(r"^## 1\.1\.0 \((\d{4}-\d\d-\d\d)\)$", text, re.MULTILINE)
    assert day in ([f"{before:%Y-%m-%d}"], [f"{datetime.now(UTC):%Y-%m-%d}"])
    assert text == CHANGES.replace("## Unreleased\n", f"## Unreleased\n\n## 1.1.0 ({day[0]})\n")
    assert git(clone, "describe", "--exact-match") == "v1.1.0"
    assert git(clone, "log", "-1", "--format=%s") == "release: Clearline 1.1.0."
    assert git(clone, "status", "--porcelain") == ""


def test_a_candidate_is_tagged_and_its_changes_stay_those_of_the_release(clone: Path) -> None:
    head = git(clone, "rev-parse", "HEAD")
    assert cut(clone, "1.1.0rc1").returncode == 0
    assert (git(clone, "describe", "--exact-match"), git(clone, "rev-parse", "HEAD")) == ("v1.1.0rc1", head)
    assert (clone / "CHANGELOG.md").read_text() == CHANGES
    assert cut(clone, "1.1.0").returncode == 0
    assert "\n## 1.1.0 (20" in (clone / "CHANGELOG.md").read_text()


@pytest.mark.parametrize(
    ("version", "reason"),
    [
        ("1.0.0", "must be above 1.0.0"),
        ("0.9.9", "must be above 1.0.0"),
        ("1.0.0rc2", "must be above 1.0.0"),
        ("1.1", "Give a version like 1.2.3"),
        ("v1.1.0", "Give a version like 1.2.3"),
        ("1.1.0.dev1", "Give a version like 1.2.3"),
        ("01.1.0", "Give a version like 1.2.3"),
    ],
)
def test_a_version_that_is_none_or_not_above_the_last_is_refused(clone: Path, version: str, reason: str) -> None:
    check_refused(clone, version, reason)


def test_uncommitted_changes_are_refused(clone: Path) -> None:
    (clone / "new.txt").write_text("not committed")
    check_refused(clone, "1.1.0", "Commit these changes first:\n?? new.txt")


def test_a_release_without_changes_is_refused(clone: Path) -> None:
    (clone / "CHANGELOG.md").write_text("# Changes\n\n## Unreleased\n\n## 1.0.0 (2026-10-01)\n")
    git(clone, "commit", "-qam", "second")
    check_refused(clone, "1.1.0", "has no changes under '## Unreleased'")


def check_refused(clone: Path, version: str, reason: str) -> None:
    state = [git(clone, "rev-parse", "HEAD"), git(clone, "tag"), (clone / "CHANGELOG.md").read_text()]
    refused = cut(clone, version)
    assert refused.returncode == 1
    assert reason in refused.stderr
    assert [git(clone, "rev-parse", "HEAD"), git(clone, "tag"), (clone / "CHANGELOG.md").read_text()] == state
