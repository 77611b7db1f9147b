"""The version is that of the tag, or says which commit it is."""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from clearline.cli.main import main
from clearline.settings.settings import Settings
from clearline.version import NoVersion, version, version_of_clone
from clearline.wires.console_connect import reference as console_connect_reference
from clearline.wires.house import reference as house_reference

Git = Callable[..., str]


@pytest.fixture
def git(tmp_path: Path) -> Git:
    """Return what runs git in a clone with one commit."""

    def run(*arguments: str) -> str:
        command = ["git", "-c", "user.name=Ida Moss", "-c", "user.email=ida@example.net", *arguments]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout.strip()

    run("init", "-q")
    (tmp_path / "file").write_text("1")
    run("add", "file")
    run("commit", "-qm", "first")
    return run


def commit_of(git: Git) -> str:
    return "g" + git("rev-parse", "--short=10", "HEAD")


def test_a_tagged_commit_has_the_version_of_its_tag(git: Git, tmp_path: Path) -> None:
    git("tag", "v1.2.3")
    assert version_of_clone(tmp_path) == "1.2.3"


def test_a_candidate_comes_before_its_release(git: Git, tmp_path: Path) -> None:
    git("tag", "-a", "v2.0.0rc1", "-m", "candidate")
    assert version_of_clone(tmp_path) == "2.0.0rc1"
    git("commit", "-qm", "second", "--allow-empty")
    assert version_of_clone(tmp_path) == f"2.0.0rc2.dev1+{commit_of(git)}"


def test_commits_after_a_tag_are_developed_towards_the_next_version(git: Git, tmp_path: Path) -> None:
    git("tag", "v1.2.9")
    git("commit", "-qm", "second", "--allow-empty")
    git("commit", "-qm", "third", "--allow-empty")
    assert version_of_clone(tmp_path) == f"1.2.10.dev2+{commit_of(git)}"


def test_without_a_tag_it_is_before_the_first_release(git: Git, tmp_path: Path) -> None:
    git("tag", "some-other-tag")
    assert version_of_clone(tmp_path) == f"0.1.0.dev1+{commit_of(git)}"


def test_a_changed_file_is_no_release(git: Git, tmp_path: Path) -> None:
    git("tag", "v1.2.3")
    (tmp_path / "file").write_text("2")
    assert version_of_clone(tmp_path) == f"1.2.4.dev0+{commit_of(git)}.dirty"


def test_a_tag_that_is_no_version_is_refused(git: Git, tmp_path: Path) -> None:
    git("tag", "v1.2-beta")
    with pytest.raises(NoVersion, match="no version like"):
        version_of_clone(tmp_path)


def test_the_variables_of_a_hook_of_git_do_not_lead_to_another_clone(
    git: Git, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git("tag", "v1.2.3")
    monkeypatch.setenv("GIT_DIR", "/nonexistent")
    assert version_of_clone(tmp_path) == "1.2.3"


def test_a_folder_without_a_clone_has_no_version_of_its_own(tmp_path: Path) -> None:
    with pytest.raises(NoVersion, match="is no clone"):
        version_of_clone(tmp_path)


def test_the_command_line_and_the_documents_of_the_apis_agree() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+(rc\d+)?(\.dev\d+\+g[0-9a-f]{10}(\.dirty)?)?", version())
    shown = CliRunner().invoke(main, ["--version"])
    assert (shown.exit_code, shown.output) == (0, f"clearline, version {version()}\n")
    for document in (house_reference.openapi(Settings()), console_connect_reference.openapi(Settings())):
        assert document["info"]["version"].partition("+")[2] == version().replace("+", ".")
