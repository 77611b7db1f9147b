"""Ids and numbers as people type them."""

from pathlib import Path
from typing import Any
from uuid import UUID

import click
import pytest

from clearline.cli.main import main
from clearline.cli.parameters.ids import ID, resolve_among
from clearline.cli.parameters.numbers import NOTE, TICKET
from clearline.errors import InvalidInput, NotFound
from tests.builders.application import run_command, run_json, run_refused, run_text
from tests.builders.commands import commands_below
from tests.builders.databases import administer

FIRST, SECOND, THIRD = (UUID(f"7f0c9a5{digit}-6c1e-4b7a-9d3e-0a1b2c3d4e5f") for digit in "123")
MAIL = "From: Mallory <mallory@example.org>\r\nTo: support@example.net\r\nMessage-ID: <1@example.org>\r\n\r\nHi\r\n"
TICKET_OPTIONS = (
    "--company", "BIR001", "--title", "Port is down", "--description", "No light", "--issue", "Circuit Down",
    "--service", "P-1", "--service-type", "Port",
)  # fmt: skip


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("INC000000000042", "INC000000000042"),
        ("INC42", "INC000000000042"),
        ("inc0042", "INC000000000042"),
        ("42", "INC000000000042"),
        (" 42 ", "INC000000000042"),
        ("0", "INC000000000000"),
        ("seven", "seven"),
        ("WLG42", "WLG42"),
        ("1234567890123", "1234567890123"),
        ("\u0664\u0662", "\u0664\u0662"),
        ("-42", "-42"),
    ],
)
def test_a_ticket_number_may_be_short(typed: str, number: str) -> None:
    assert TICKET.convert(typed, None, None) == number


def test_a_note_number_may_be_short() -> None:
    assert [NOTE.convert(typed, None, None) for typed in ("7", "WLG7", "wlg07")] == ["WLG000000000007"] * 3


@pytest.mark.parametrize("typed", ["7f0c9a51", "7F0C9A51-6C", "7f0c9a516c1e", str(FIRST), FIRST.hex])
async def test_an_id_may_be_a_unique_prefix(typed: str) -> None:
    async def ids() -> list[UUID]:
        return [FIRST, SECOND, THIRD]

    assert await resolve_among(typed, "job", ids) == FIRST


async def test_a_prefix_of_several_ids_names_them() -> None:
    async def ids() -> list[UUID]:
        return [THIRD, FIRST, SECOND]

    with pytest.raises(InvalidInput) as refused:
        await resolve_among("7f0c", "job", ids)
    assert str(refused.value) == f"job 7f0c may be {FIRST}, {SECOND}, {THIRD}: give more characters"


@pytest.mark.parametrize("typed", ["aaaa", "7f0", "nonsense", ""])
async def test_a_prefix_of_no_id_is_refused(typed: str) -> None:
    async def ids() -> list[UUID]:
        return [FIRST]

    with pytest.raises(NotFound, match=f"^job {typed} does not exist$"):
        await resolve_among(typed, "job", ids)


@pytest.fixture(scope="module")
def ids(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """One of each thing that has an id, and a ticket."""
    url = database_url
    created: dict[str, Any] = {}

    def make(name: str, *arguments: str, text: str | None = None, **settings: str) -> Any:
        return created.setdefault(name, run_json(url, *arguments, text=text, **settings))

    make("company", "company", "add", "Birch Telecom", "--code", "BIR001")
    run_json(url, "user", "add", "--company", "BIR001", "--name", "Ada", "--email", "ada@birch.example.com")
    run_json(url, "agent", "add", "Mara", "--email", "mara@example.net", "--role", "admin")
    run_json(url, "service", "add", "--company", "BIR001", "--id", "P-1", "--type", "Port", "--label", "Port 1")
    number = make("ticket", "ticket", "create", *TICKET_OPTIONS)["number"]
    other = make("other", "ticket", "create", *TICKET_OPTIONS)["number"]
    make("key", "key", "create", "--company", "BIR001")
    make("job", "bulk", "tag", number, "--add", "fibre")
    make("link", "ticket", "link", number, "related", other)
    make("view", "view", "add", "Mine", "fibre", "--user", "mara@example.net")
    make("webhook", "webhook", "add", "https://hooks.example.com/")
    make("delivery", "webhook", "ping", created["webhook"]["id"])
    run_json(url, "queue", "add", "Ports")
    make("rule", "route", "add", "All", "--queue", "Ports")
    folder = tmp_path_factory.mktemp("ids")
    make("file", "attachment", "add", number, "-", "--name", "a.txt", text="x", CLEARLINE_ATTACHMENTS=str(folder))
    run_json(url, "mailbox", "add", "support@example.net")
    mail = make("inbound", "inbound-mail", "receive", "-", "--to", "support@example.net", text=MAIL)["ids"][0]
    make("mail", "mail", "test", "ada@birch.example.com", CLEARLINE_SMTP="smtp://127.0.0.1:9")
    return {"number": number, "other": other, "inbound": mail, "folder": str(folder)} | {
        name: value["id"] for name, value in created.items() if "id" in value
    }


TYPES = {"number": TICKET, "numbers": TICKET, "other": TICKET, "into": TICKET, "ticket": TICKET, "note": NOTE}
"""The types of parameters that are numbers, by their names."""

NO_IDS = {
    ("service", "service_id"): "the ids of services are a company's own text",
    ("ticket create", "service_id"): "the ids of services are a company's own text",
    ("ticket list", "service_id"): "the ids of services are a company's own text",
    ("ticket export", "service_id"): "the ids of services are a company's own text",
    ("bulk", "service_id"): "the ids of services are a company's own text",
    ("service", "carrier_circuit_id"): "it is the carrier's own text",
    ("bulk", "external_id"): "it is another system's number",
    ("ticket list", "external_id"): "it is another system's number",
    ("ticket export", "external_id"): "it is another system's number",
    ("bulk note", "note"): "the text of a note",
    ("macro", "note"): "the text of a note",
    ("identity-provider", "client_id"): "it is the name of the desk at the identity provider",
}


def numbers_and_ids() -> list[tuple[str, str, click.ParamType[Any]]]:
    """Return each parameter of a command that is an id, or the number of a ticket or note, with its type."""
    return [
        (path, str(parameter.name), parameter.type)
        for path, command in commands_below(main)
        for parameter in command.params
        if (str(parameter.name).endswith("id") or parameter.name in TYPES)
        and not any(path.startswith(start) and parameter.name == name for start, name in NO_IDS)
    ]


def test_every_id_may_be_a_prefix_and_every_number_may_be_short() -> None:
    parameters = numbers_and_ids()
    assert len(parameters) >= 40
    assert [f"{path} {name}" for path, name, kind in parameters if kind is not TYPES.get(name, ID)] == []


COMMANDS = [
    ("job", ("job", "show", "{job}")),
    ("job", ("job", "items", "{job}")),
    ("webhook", ("webhook", "ping", "{webhook}")),
    ("webhook", ("webhook", "change", "{webhook}", "--description", "NOC")),
    ("webhook", ("webhook", "deliveries", "{webhook}")),
    ("delivery", ("webhook", "delivery", "{webhook}", "{delivery}")),
    ("inbound", ("inbound-mail", "show", "{inbound}")),
    ("mail", ("mail", "show", "{mail}")),
    ("mail", ("mail", "retry", "{mail}")),
    ("view", ("view", "change", "{view}", "--query", "cut", "--user", "mara@example.net")),
    ("rule", ("route", "change", "{rule}", "--keyword", "down")),
    ("file", ("attachment", "get", "{number}", "{file}", "-o", "-")),
    ("webhook", ("webhook", "rotate", "{webhook}")),
    ("link", ("ticket", "unlink", "{number}", "{link}")),
    ("file", ("ticket", "redact", "{number}", "--file", "{file}", "--reason", "A key", "--dry-run")),
    ("file", ("attachment", "delete", "{number}", "{file}")),
    ("key", ("key", "revoke", "--company", "BIR001", "{key}")),
    ("view", ("view", "delete", "{view}", "--user", "mara@example.net")),
    ("webhook", ("webhook", "delete", "{webhook}")),
]


@pytest.mark.parametrize(("kind", "command"), COMMANDS, ids=[" ".join(command[:2]) for _kind, command in COMMANDS])
def test_a_command_takes_the_first_characters_of_an_id(
    database_url: str, ids: dict[str, str], kind: str, command: tuple[str, ...]
) -> None:
    settings = {"CLEARLINE_ATTACHMENTS": ids["folder"]}
    wrong = f"{int(ids[kind][:8], 16) ^ 1:08x}"
    refused = run_refused(database_url, *(part.format(**{**ids, kind: wrong}) for part in command), **settings)
    assert f" {wrong} does not exist" in refused
    run_text(database_url, *(part.format(**{**ids, kind: ids[kind][:8]}) for part in command), **settings)


def test_commands_take_short_numbers_of_tickets(database_url: str, ids: dict[str, str], tmp_path: Path) -> None:
    url, number = database_url, ids["number"]
    short = str(int(number[3:]))
    for typed in (short, f"INC{short}", number):
        assert run_json(url, "ticket", "show", typed)["number"] == number
    assert run_text(url, "ticket", "tag", short, "--add", "cut").startswith(f"Tags of {number}: ")
    assert run_json(url, "bulk", "tag", short, f"INC{int(ids['other'][3:])}", "--add", "b")["counts"]["done"] == 2
    file = tmp_path / "numbers"
    file.write_text(f"{short}\nINC{short},x\n")
    assert "must name each ticket once" in run_refused(url, "bulk", "tag", "--from", str(file), "--add", "c")
    events = run_json(url, "audit", "--ticket", short)
    assert {event["ticket"] for event in events} == {number}
    note = run_json(url, "ticket", "note", short, "Spliced")
    split = run_json(
        url, "ticket", "split", short, "--title", "B", "--description", "B", "--note", str(int(note["id"][3:]))
    )
    assert run_json(url, "ticket", "notes", split["number"])[0]["text"] == "Spliced"
    linked = run_json(url, "ticket", "link", short, "related", split["number"][3:])
    assert linked["ticket"]["number"] == split["number"]


async def test_an_ambiguous_prefix_is_refused_before_anything_is_done(database_url: str, ids: dict[str, str]) -> None:
    twin = ids["job"][:8] + "-0000-4000-8000-000000000000"
    statement = """
        insert into job (company_id, id, kind, state, request, dry_run, total, actor_name, scopes, created_at)
        select company_id, '{twin}', kind, state, request, dry_run, total, actor_name, scopes, created_at
          from job where id = '{id}'"""
    await administer(database_url, statement.format(twin=twin, id=ids["job"]))
    refused = run_refused(database_url, "job", "cancel", ids["job"][:8])
    assert refused == f"refused: job {ids['job'][:8]} may be {twin}, {ids['job']}: give more characters\n"
    assert run_command(database_url, "job", "show", ids["job"][:9] + ids["job"][9:18]).exit_code == 0
