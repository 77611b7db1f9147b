"""Links to sign in, at the command line."""

import re
from collections.abc import AsyncIterator

import pytest

from clearline.clock import now
from clearline.identity import Role
from clearline.platform.database.transactions import Database
from clearline.sign_in import link_usecases as links
from clearline.sign_in import set_up_usecases as set_up
from clearline.sign_in.usecases import session_actor
from tests.builders.application import run_command, run_json
from tests.builders.databases import new_database
from tests.builders.sign_in.sessions import DEVICE, PASSWORD

IDA = "ida@example.net"
LINK = r"https://desk\.example\.net/sign-in/link\?token=([\w-]{43})"
PUBLIC = {"CLEARLINE_PUBLIC_URL": "https://desk.example.net/"}
MAILING = {**PUBLIC, "CLEARLINE_SMTP": "smtp://192.0.2.25:25"}


@pytest.fixture
async def url(postgres: str) -> AsyncIterator[str]:
    async with new_database(postgres) as address:
        yield address


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    opened = await Database.open(url, size=2)
    yield opened
    await opened.close()


async def test_an_invitation_is_printed_once_without_a_mail_server(url: str, database: Database) -> None:
    run_json(url, "agent", "add", "Ida Moss", "--email", IDA)
    invited = run_command(url, "user", "invite", IDA, **PUBLIC)
    match = re.fullmatch(rf"{LINK}\n", invited.stdout)
    assert match is not None, invited.stdout
    assert invited.stderr.startswith(f"The invitation of Ida Moss <{IDA}> works once, until ")
    signed = await links.use_link(database, match[1], PASSWORD, DEVICE, now=now())
    reset = run_command(url, "user", "reset-password", IDA, **PUBLIC)
    assert re.fullmatch(rf"{LINK}\n", reset.stdout)
    assert reset.stderr.startswith(f"The link for a new password of Ida Moss <{IDA}> works once, until ")
    assert run_command(url, "user", "sign-out", IDA).stdout == f"1 session of {IDA} ended.\n"
    assert await session_actor(database, signed.token, address="", now=now()) is None


def test_a_link_is_mailed_when_there_is_a_mail_server_unless_it_shall_be_printed(url: str) -> None:
    run_json(url, "agent", "add", "Ida Moss", "--email", IDA)
    mailed = run_command(url, "user", "invite", "--company", "PROVIDER", IDA, **MAILING)
    assert (mailed.stdout, mailed.stderr) == (f"The invitation is sent to {IDA}.\n", "")
    as_json = run_json(url, "user", "reset-password", IDA, **MAILING)
    assert (as_json["kind"], as_json["is_mailed"], as_json["link"]) == ("invitation", True, None)
    for command in ("invite", "reset-password"):
        printed = run_json(url, "user", command, IDA, "--link", **MAILING)
        assert re.fullmatch(LINK, printed["link"])
        assert printed["user"]["email"] == IDA
    unknown = run_command(url, "user", "invite", "nobody@example.net", **MAILING)
    assert (unknown.exit_code, unknown.stderr) == (1, "refused: user nobody@example.net does not exist\n")


async def test_a_person_of_a_customer_gets_a_link_as_well(url: str, database: Database) -> None:
    ada, of_birch = "ada@birch.example.com", ("--company", "BIR001")
    run_json(url, "company", "add", "Birch", "--code", "BIR001")
    run_json(url, "user", "add", *of_birch, "--name", "Ada", "--email", ada)
    for command in ("invite", "reset-password"):
        printed = run_json(url, "user", command, *of_birch, ada, **PUBLIC)
        match = re.fullmatch(LINK, printed["link"])
        assert match is not None
        signed = await links.use_link(database, match[1], PASSWORD, DEVICE, now=now())
        assert signed is not None
        assert run_command(url, "user", "sign-out", *of_birch, ada).stdout == f"1 session of {ada} ended.\n"
    mailed = run_command(url, "user", "invite", *of_birch, ada, **MAILING)
    assert mailed.stdout == f"The link for a new password is sent to {ada}.\n"
    async with database.transaction() as tx:
        await tx.write("update app_user set is_confirmed = false where email = $1", ada)
    confirming = run_command(url, "user", "invite", *of_birch, ada, **MAILING)
    assert confirming.stdout == f"The invitation is sent to {ada} again.\n"
    printed = run_json(url, "user", "invite", *of_birch, ada, "--link", **MAILING)
    assert re.fullmatch(LINK, printed["link"])
    refused = run_command(url, "user", "reset-second-factor", *of_birch, ada, "--yes")
    assert (refused.exit_code, refused.stderr) == (1, f"refused: user {ada} has no second factor\n")


async def test_the_link_of_the_set_up_is_printed_until_there_is_an_admin(url: str, database: Database) -> None:
    first = run_command(url, "setup-link", CLEARLINE_BIND="0.0.0.0:9090").stdout
    assert re.fullmatch(r"http://127\.0\.0\.1:9090/set-up\?token=[\w-]{43}\n", first)
    printed = run_command(url, "setup-link", **PUBLIC).stdout
    match = re.fullmatch(r"https://desk\.example\.net/set-up\?token=([\w-]{43})\n", printed)
    assert match is not None, printed
    signed = await set_up.set_up(database, match[1], "Northwind", "Ida Moss", IDA, PASSWORD, DEVICE, now=now())
    found = await session_actor(database, signed.token, address="", now=now())
    assert found is not None
    assert found.actor.role is Role.ADMIN
    refused = run_command(url, "setup-link")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert refused.stderr.startswith("refused: the set-up is done: ")


def test_the_roles_that_need_a_second_factor_are_set_and_printed(url: str) -> None:
    nobody, some = "No role needs a second factor.\n", "Roles that need a second factor: admin, agent.\n"
    assert run_command(url, "user", "require-second-factor").stdout == nobody
    assert run_command(url, "user", "require-second-factor", "agent", "admin").stdout == some
    assert run_command(url, "user", "require-second-factor").stdout == some
    assert run_command(url, "user", "require-second-factor", "agent", "--none").exit_code == 2
    assert run_command(url, "user", "require-second-factor", "customer").exit_code == 2
    assert run_command(url, "user", "require-second-factor", "--none").stdout == nobody


def test_the_second_factor_of_somebody_who_has_none_is_not_reset(url: str) -> None:
    run_json(url, "agent", "add", "Ida Moss", "--email", IDA)
    refused = run_command(url, "user", "reset-second-factor", IDA, "--yes")
    assert (refused.exit_code, refused.stderr) == (1, f"refused: user {IDA} has no second factor\n")
