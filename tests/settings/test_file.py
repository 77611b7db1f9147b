"""A file of settings is read as systemd reads the unit's (systemd.exec(5), EnvironmentFile=)."""

import os
from pathlib import Path

import pytest

from clearline.settings import file as settings_file
from clearline.settings.file import environment_with, read_file
from clearline.settings.settings import InvalidSetting
from tests.builders.application import run_command, run_json
from tests.builders.databases import ROOT

TEXT = (
    r"""# Settings of the desk
; systemd takes this for a comment, too
CLEARLINE_PROCESSES=2

  CLEARLINE_POOL_SIZE = 5
CLEARLINE_SMTP="smtp://desk:a \"quoted\" \$word\\@mail.example.net"
CLEARLINE_MAIL_FROM='The "NOC" <noc@example.net>' \t
CLEARLINE_SECRET_KEY=with spaces # and no comment, "quotes" and a \\ backslash
AWS_ACCESS_KEY_ID=one\
two
EMPTY=
JOINED='a'"b" c
# the last line has no end
LAST=1"""
).replace(" \\t\n", " \t\n")
EXPECTED = {
    "CLEARLINE_PROCESSES": "2",
    "CLEARLINE_POOL_SIZE": "5",
    "CLEARLINE_SMTP": r'smtp://desk:a "quoted" $word\@mail.example.net',
    "CLEARLINE_MAIL_FROM": 'The "NOC" <noc@example.net>',
    "CLEARLINE_SECRET_KEY": 'with spaces # and no comment, "quotes" and a \\ backslash',
    "AWS_ACCESS_KEY_ID": "onetwo",
    "EMPTY": "",
    "JOINED": "abc",
    "LAST": "1",
}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_file_is_read_as_systemd_reads_it(tmp_path: Path, encoding: str, newline: str) -> None:
    file = tmp_path / "clearline.env"
    text = TEXT if newline == "\n" else TEXT.replace("one\\\ntwo", "onetwo")
    file.write_bytes(text.replace("\n", newline).encode(encoding))
    assert read_file(file) == EXPECTED


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("export CLEARLINE_PROCESSES=2", 1),
        ("A=1\n\nnonsense\n", 3),
        ("A=1\nB='never closed\n", 2),
        ('A="one" \nB="never closed\n', 2),
        ("CLEARLINE-PROCESSES=2", 1),
        ("=2", 1),
    ],
)
def test_a_line_of_another_form_is_named(tmp_path: Path, text: str, line: int) -> None:
    file = tmp_path / "clearline.env"
    file.write_text(text)
    with pytest.raises(InvalidSetting, match=rf"^{file} line {line} must be NAME=value, without export$"):
        read_file(file)


@pytest.mark.parametrize("body", [b"\xff\xfeA\x00=\x001\x00", "A=Zürich".encode("cp1252")])
def test_a_file_that_is_not_utf_8_is_named(tmp_path: Path, body: bytes) -> None:
    file = tmp_path / "clearline.env"
    file.write_bytes(body)
    with pytest.raises(InvalidSetting, match=rf"^{file} must be UTF-8$"):
        read_file(file)


def test_the_environment_takes_precedence_and_is_restored(tmp_path: Path) -> None:
    file = tmp_path / "clearline.env"
    file.write_text("CLEARLINE_PROCESSES=2\nCLEARLINE_POOL_SIZE=5\n")
    environment = {"CLEARLINE_POOL_SIZE": "7", "PATH": "/bin"}
    with environment_with(file, environment):
        assert environment == {"CLEARLINE_POOL_SIZE": "7", "PATH": "/bin", "CLEARLINE_PROCESSES": "2"}
    assert environment == {"CLEARLINE_POOL_SIZE": "7", "PATH": "/bin"}


@pytest.fixture
def default_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(settings_file, "DEFAULT_FILE", tmp_path / "default.env")
    return tmp_path / "default.env"


@pytest.mark.parametrize(
    ("environment", "is_read"),
    [
        ({}, True),
        ({"CLEARLINE_LOG_LEVEL": "debug"}, True),
        ({"CLEARLINE_DATA_DIR": ""}, True),
        ({"CLEARLINE_DATA_DIR": "/srv/other"}, False),
        ({"CLEARLINE_DATABASE_URL": "postgresql://other.example.com/desk"}, False),
    ],
)
def test_the_default_file_is_read_unless_the_environment_names_a_desk(
    default_file: Path, environment: dict[str, str], *, is_read: bool
) -> None:
    default_file.write_text("CLEARLINE_ATTACHMENTS=s3://desk\n")
    with environment_with(None, environment):
        assert ("CLEARLINE_ATTACHMENTS" in environment) is is_read


def test_no_default_file_is_no_fault(default_file: Path) -> None:
    environment: dict[str, str] = {}
    with environment_with(None, environment):
        assert environment == {}
    assert not settings_file.is_closed()
    default_file.write_text("")
    default_file.chmod(0)
    assert settings_file.is_closed() is not ROOT


def test_a_command_takes_its_settings_from_a_file(database_url: str, tmp_path: Path) -> None:
    file = tmp_path / "clearline.env"
    file.write_text(f"CLEARLINE_DATABASE_URL='{database_url}'\n")
    run_json("", "--env-file", str(file), "company", "add", "Birch Telecom", "--code", "BIR001")
    assert [company["code"] for company in run_json(database_url, "company", "list")] == ["BIR001"]
    assert os.environ.get("CLEARLINE_DATABASE_URL") != database_url


@pytest.mark.parametrize(
    ("text", "status", "message"),
    [
        ("CLEARLINE_PROCESES=2\n", 4, "error: CLEARLINE_PROCESES is not a setting"),
        ("export A=1\n", 4, "line 1 must be NAME=value"),
        (None, 2, "does not exist"),
    ],
)
def test_a_wrong_file_is_named(database_url: str, tmp_path: Path, text: str | None, status: int, message: str) -> None:
    file = tmp_path / "clearline.env"
    if text is not None:
        file.write_text(text)
    done = run_command(database_url, "--env-file", str(file), "company", "list")
    assert (done.exit_code, done.stdout) == (status, "")
    assert message in done.stderr


def test_the_unit_and_the_commands_read_the_same_file() -> None:
    unit = (Path(__file__).parents[2] / "deploy" / "clearline.service").read_text()
    assert f"\nEnvironmentFile={settings_file.DEFAULT_FILE}\n" in unit
