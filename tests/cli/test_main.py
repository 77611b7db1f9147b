"""The command line as a process with arguments, an environment, output and an exit status."""

import os
import subprocess
import sys
from collections.abc import Iterator

import click
import pytest

from clearline.cli.lazy import LazyCommand, LazyGroup
from clearline.cli.main import COMMANDS, main
from tests.builders.application import run_command, run_json
from tests.patience import patient

NOBODY = "postgresql://nobody@127.0.0.1:1/nothing"


def run(url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command in its own process."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CLEARLINE_")}
    return subprocess.run(
        [sys.executable, "-m", "clearline", *arguments],
        env={**environment, "CLEARLINE_DATABASE_URL": url},
        capture_output=True,
        text=True,
        timeout=patient(60),
        check=False,
    )


def commands(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Yield a command and every command and group below it, each with its path."""
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            part = command.get_command(context, name)
            assert part is not None
            yield from commands(part, (*path, name))


@pytest.mark.parametrize(("path", "command"), list(commands(main)), ids=lambda value: str(value)[:30])
def test_every_command_and_every_option_has_help(path: tuple[str, ...], command: click.Command) -> None:
    context = click.Context(command, info_name=" ".join(("clearline", *path)))
    assert "--help" in command.get_help(context)
    assert command.help
    assert [
        parameter.name for parameter in command.params if isinstance(parameter, click.Option) and not parameter.help
    ] == []


LAZY = [
    (name, part) for _path, group in commands(main) if isinstance(group, LazyGroup) for name, part in group.lazy.items()
]


@pytest.mark.parametrize(("name", "lazy"), LAZY, ids=lambda value: str(value)[:30])
def test_the_list_of_commands_repeats_their_help(name: str, lazy: LazyCommand) -> None:
    command = lazy.load()
    assert command.name == name
    assert (command.help or "").startswith(lazy.help.removesuffix("."))


SLOW = {
    "starlette", "jinja2", "httpcore", "uvicorn", "uvloop", "httptools", "structlog", "rich", "aiosmtpd", "aiosmtplib",
    "boto3", "lxml", "imapclient", "cryptography", "itsdangerous",
}  # fmt: skip
"""Libraries that take as long to import as a command; a command imports them when it needs them."""

OF_THE_SERVER = {"serve", "work", "demo"}
"""Commands that run the server, or its background work."""


def imported(module: str) -> set[str]:
    """Return the modules that are there when a module is imported."""
    command = [sys.executable, "-c", f"import sys, {module}; print(*sys.modules)"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=patient(60), check=True)
    return set(done.stdout.split())


def test_the_command_line_itself_imports_no_command() -> None:
    assert (SLOW | {"asyncpg", "asyncio"}) & imported("clearline.cli.main") == set()


def modules() -> list[str]:
    """Return the modules of all commands, except those of the server."""
    groups = {lazy.module for name, lazy in COMMANDS.items() if name not in OF_THE_SERVER}
    inner = {
        lazy.module
        for group in (lazy.load() for name, lazy in COMMANDS.items() if name not in OF_THE_SERVER)
        if isinstance(group, LazyGroup)
        for lazy in group.lazy.values()
    }
    return sorted(groups | inner)


IMPORTER = """
import importlib, sys
before = set(sys.modules)
for module in sys.argv[1:]:
    importlib.import_module(f"clearline.cli.{module}")
    print(module, *(set(sys.modules) - before))
    before = set(sys.modules)
"""
"""Prints what each module imports beside what those before it do."""


def test_no_command_imports_a_slow_library() -> None:
    command = [sys.executable, "-c", IMPORTER, *modules()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=patient(60), check=True)
    lines = [line.split() for line in done.stdout.splitlines()]
    assert [module for module, *_ in lines] == modules()
    assert {module: slow for module, *others in lines if (slow := SLOW & {*others})} == {}


@pytest.mark.parametrize(
    "module", ["accounts.companies", "accounts.users", "accounts.keys", "bulk.bulk", "routing", "tickets.tickets"]
)
def test_a_command_imports_neither_mail_nor_zones_nor_the_search(module: str) -> None:
    unneeded = {"email", "zoneinfo", "clearline.mail.outbound.usecases", "clearline.search.words",
                "clearline.webhooks.delivery_store"}  # fmt: skip
    assert unneeded & imported(f"clearline.cli.{module}") == set()


def test_the_list_of_inbound_mail_imports_nothing_that_files_mail() -> None:
    filing = {"mail.inbound.file", "mail.inbound.review_usecases", "mail.format.reply_text", "mail.outbound.usecases",
              "routing.usecases", "tickets.attachments.blobs"}  # fmt: skip
    assert {f"clearline.{name}" for name in filing} & imported("clearline.cli.mail.inbound") == set()


def test_the_main_help_lists_the_exit_statuses() -> None:
    done = run(NOBODY, "--help")
    assert done.returncode == 0
    assert "Exit status" in done.stdout
    assert all(f"  {name}  " in done.stdout for name in COMMANDS)


@pytest.fixture(scope="module")
def desk(database_url: str) -> str:
    """Add a company; return the address of the database."""
    run_json(database_url, "company", "add", "Birch Telecom", "--code", "BIR001")
    return database_url


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (("company", "add", "Birch Telecom", "--code", "NEW"), 1, "refused: company"),
        (("user", "list", "--company", "Nobody"), 1, "refused: company Nobody does not exist"),
        (("ticket", "show", "INC000000999999"), 1, "refused: ticket"),
        (("ticket", "show", "seven"), 1, "refused: ticket seven does not exist"),
        (("company", "add"), 2, "Missing argument"),
        (("ticket", "status", "INC000000000001", "lost"), 2, "Invalid value"),
        (("key", "create", "--company", "BIR001", "--days", "0"), 2, "Invalid value"),
        (("nonsense",), 2, "No such command"),
    ],
)
def test_refusals_and_usage_errors_have_different_exit_statuses(
    desk: str, arguments: tuple[str, ...], status: int, message: str
) -> None:
    done = run(desk, *arguments)
    assert (done.returncode, done.stdout) == (status, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "settings",
    [{"CLEARLINE_DATABASE_URL": NOBODY}, {"CLEARLINE_NONSENSE": "1"}, {"CLEARLINE_POOL_SIZE": "none"}],
)
def test_a_missing_database_or_an_invalid_setting_exits_with_status_4(desk: str, settings: dict[str, str]) -> None:
    done = run_command(desk, "company", "list", **settings)
    assert (done.exit_code, done.stdout) == (4, "")
    assert done.stderr.startswith("error: ")
    assert len(done.stderr.splitlines()) == 1


def _completed(words: str, position: int) -> tuple[list[str], set[str]]:
    """Return what a shell is offered for a word of a line, and the modules that were imported for it."""
    program = """
import atexit, sys
atexit.register(lambda: print(*sys.modules, file=sys.stderr))
from clearline.cli.main import main
main(prog_name="clearline")
"""
    variables = {"_CLEARLINE_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(position)}
    done = subprocess.run(
        [sys.executable, "-c", program], env=os.environ | variables, capture_output=True, text=True,
        timeout=patient(30), check=True,
    )  # fmt: skip
    return [line.partition(",")[2] for line in done.stdout.splitlines()], set(done.stderr.split())


def test_a_shell_completes_commands_without_importing_them() -> None:
    names, modules = _completed("clearline t", 1)
    assert names == ["team", "template", "term", "ticket", "tier"]
    assert {name for name in modules if name.startswith("clearline.cli.tickets")} == set()
    assert _completed("clearline ticket l", 2)[0] == ["link", "links", "list"]
    assert "--company" in _completed("clearline ticket list --c", 3)[0]
    assert _completed("clearline --env", 1)[0] == ["--env-file"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_a_script(shell: str) -> None:
    environment = os.environ | {"_CLEARLINE_COMPLETE": f"{shell}_source"}
    program = "from clearline.cli.main import main; main(prog_name='clearline')"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        capture_output=True,
        text=True,
        timeout=patient(30),
        check=True,
    )
    assert "_CLEARLINE_COMPLETE" in done.stdout
