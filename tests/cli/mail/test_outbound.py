import asyncio
import json
from uuid import uuid4

import pytest
from click.testing import CliRunner, Result

from clearline.cli.main import main
from clearline.clock import now
from clearline.mail.outbound import usecases as mails
from clearline.mail.outbound.domain import MailSettings, NewMail
from clearline.platform.database.transactions import Database
from clearline.tickets.domain import ticket_number
from tests.builders.mail.smtp_server import PASSWORD, running
from tests.builders.people import new_tenant
from tests.builders.tickets import raised

SETTINGS = MailSettings("Support <support@example.net>", b"secret", "https://desk.example.net", enabled=True)


async def a_mail(url: str) -> tuple[str, str]:
    database = await Database.open(url, size=2)
    try:
        tenant = await new_tenant(database, "Birch Telecom")
        async with database.transaction() as tx:
            number = await raised(tx, tenant)
            mail = NewMail(
                recipient="a,b@example.com", subject="Störung", text="Grüße\n", html="<p>Grüße</p>\n",
                kind="notification", company_id=tenant.company.id, ticket_number=number,
            )  # fmt: skip
            return ticket_number(number), str(await mails.enqueue(tx, mail, now=now(), settings=SETTINGS))
    finally:
        await database.close()


@pytest.fixture(scope="module")
def dead(database_url: str) -> tuple[str, str]:
    """The numbers of a ticket and of a mail about it that no server takes."""
    return asyncio.run(a_mail(database_url))


@pytest.fixture(autouse=True)
def _environment(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLEARLINE_DATABASE_URL", database_url)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def said(*arguments: str) -> str:
    done = run(*arguments)
    assert done.exit_code == 0, done.output
    return done.stdout


def refused(*arguments: str) -> str:
    done = run(*arguments)
    assert done.exit_code == 1, done.output
    assert done.stdout == ""
    return done.stderr


def test_the_outbox_lists_and_shows_mail(dead: tuple[str, str]) -> None:
    number, mail_id = dead
    lines = said("mail", "outbox", "--ticket", number, "--state", "dead").splitlines()
    assert len(lines) == 2
    for word in (mail_id, "dead", "notification", "a,b@example.com", f"[{number}] Störung", "no server takes mail"):
        assert word in lines[1]
    [listed] = json.loads(said("mail", "outbox", "--ticket", number, "--json"))
    assert (listed["id"], listed["state"], listed["ticket"], listed["attempts"]) == (mail_id, "dead", number, 0)
    assert json.loads(said("mail", "outbox", "--ticket", number, "--state", "sent", "--json")) == []
    shown = said("mail", "show", mail_id)
    assert shown.startswith("dead (0 failed): no server takes mail for such an address\n\n")
    assert f"Subject: [{number}] Störung\n" in shown
    assert shown.endswith("\nGrüße\n")
    whole = json.loads(said("mail", "show", mail_id, "--json"))
    assert (whole["text"], whole["html"], whole["message_id"]) == ("Grüße\n", "<p>Grüße</p>\n", listed["message_id"])
    raw = run("mail", "show", mail_id, "--raw").stdout_bytes
    assert f"Message-ID: {listed['message_id']}\r\n".encode() in raw


def test_what_is_not_there_is_refused(dead: tuple[str, str]) -> None:
    assert "does not exist" in refused("mail", "show", str(uuid4()))
    assert "does not exist" in refused("mail", "show", "nothing")
    assert "does not exist" in refused("mail", "outbox", "--ticket", "INC999999999999")
    assert "no server takes mail" in refused("mail", "retry", dead[1])


def test_addresses_are_suppressed_and_written_to_again() -> None:
    address = f"Ada.{uuid4().hex}@example.com"
    assert said("mail", "suppress", address, "--detail", "asked for it") == (f"Address {address.lower()} suppressed.\n")
    assert "exists already" in refused("mail", "suppress", address)
    assert f"{address.lower()}" in said("mail", "suppressed")
    [found] = [one for one in json.loads(said("mail", "suppressed", "--json")) if one["address"] == address.lower()]
    assert (found["reason"], found["detail"]) == ("manual", "asked for it")
    assert address.lower() not in said("mail", "suppressed", "--after", address.lower())
    said("mail", "unsuppress", address)
    assert "does not exist" in refused("mail", "unsuppress", address)
    assert json.loads(said("mail", "suppress", address, "--json"))["address"] == address.lower()
    assert said("mail", "unsuppress", address, "--json") == ""


def test_a_test_needs_a_server_and_then_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "CLEARLINE_SMTP" in refused("mail", "test", "ada@example.com")
    monkeypatch.setenv("CLEARLINE_SMTP", "smtp://127.0.0.1:9")
    monkeypatch.setenv("CLEARLINE_MAIL_FROM", "Desk <desk@example.net>")
    made = json.loads(said("mail", "test", "ada@example.com", "--json"))
    assert (made["state"], made["kind"], made["recipient"]) == ("waiting", "test", "ada@example.com")
    assert "From: Desk <desk@example.net>\n" in said("mail", "show", made["id"])
    assert json.loads(said("mail", "retry", made["id"], "--json"))["state"] == "waiting"
    assert "must be an address" in refused("mail", "test", "a,b@example.com")
    assert "queued. See: clearline mail show" in said("mail", "test", "ada@example.com")


def checked(*arguments: str) -> tuple[int, dict[str, object] | None]:
    """The exit status of the doctor, and what it says of mail."""
    done = run("doctor", "--json", *arguments)
    found = [one for one in json.loads(done.stdout)["checks"] if one["name"] == "mail"]
    return done.exit_code, found[0] if found else None


def test_the_doctor_asks_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    assert checked()[1] is None

    async def asked() -> tuple[int, dict[str, object] | None]:
        async with running(auth=True) as server:
            monkeypatch.setenv(
                "CLEARLINE_SMTP", f"smtp://desk%40example.net:p%40ss%3A%20word%2F1@127.0.0.1:{server.port}"
            )
            good = await asyncio.to_thread(checked)
            monkeypatch.setenv("CLEARLINE_SMTP", f"smtp://eve:{PASSWORD[:1]}@127.0.0.1:{server.port}")
            code, bad = await asyncio.to_thread(checked)
            assert code == 3
            assert bad is not None
            assert bad["ok"] is False
            assert "535" in str(bad["detail"])
            return good

    _code, good = asyncio.run(asked())
    assert good is not None
    assert good["ok"] is True
    assert "answers and knows desk@example.net" in str(good["detail"])
    assert PASSWORD not in str(good)
    code, away = checked()
    assert code == 3
    assert away is not None
    assert away["ok"] is False
