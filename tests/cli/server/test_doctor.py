"""Migrations and the checks of the installation at the command line."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from clearline.events.consumer import CONSUMERS
from clearline.health import usecases as health
from clearline.health.domain import Check, check_age, check_clock, check_planner
from clearline.identity import OPERATOR
from clearline.mail.inbound import mailbox_usecases as mailboxes
from clearline.mail.inbound.secret_box import SecretBox
from clearline.platform.database import migrate
from clearline.platform.database.transactions import Database, Tx
from clearline.platform.postgres.embedded import url_of
from clearline.search.document import FORMAT
from clearline.settings.settings import Settings
from tests.builders.application import run_command, run_json
from tests.builders.databases import administer, new_database
from tests.builders.mail.smtp_server import PASSWORD, running
from tests.builders.people import NOW

MIGRATION = Path(migrate.__file__).parent / "migrations" / "0018_search_format.sql"
NOBODY = "postgresql://nobody@127.0.0.1:1/nothing"


@pytest.fixture
async def unmigrated(postgres: str) -> AsyncIterator[str]:
    async with new_database(postgres, migrated=False) as url:
        yield url


async def test_a_database_without_migrations_is_reported_and_migrated(unmigrated: str) -> None:
    early = run_command(unmigrated, "company", "list")
    assert (early.exit_code, early.stderr) == (
        4,
        "error: the database lacks migrations: run clearline migrate first\n",
    )
    report = run_command(unmigrated, "doctor", "--json")
    assert report.exit_code == 3
    assert [check["name"] for check in json.loads(report.stdout)["checks"] if not check["ok"]] == ["migrations"]
    assert run_json(unmigrated, "migrate")["applied"][0] == "0001_foundation"
    assert run_json(unmigrated, "migrate") == {"applied": [], "breaking": []}
    assert run_json(unmigrated, "doctor")["ok"] is True
    await administer(unmigrated, "insert into schema_migration values (9999, 'newer', now())")
    assert run_command(unmigrated, "migrate").exit_code == 4
    assert run_command(unmigrated, "doctor").exit_code == 3


def test_the_doctor_reports_an_unavailable_database() -> None:
    report = run_command(NOBODY, "doctor", "--json")
    assert report.exit_code == 3
    assert [check["name"] for check in json.loads(report.stdout)["checks"] if not check["ok"]] == ["database"]


async def test_the_doctor_reports_consumers_that_do_not_run(unmigrated: str) -> None:
    run_json(unmigrated, "migrate")
    run_json(unmigrated, "company", "add", "Birch Telecom", "--code", "BIR001")
    assert run_json(unmigrated, "doctor")["ok"] is True, "new events may wait"
    await administer(unmigrated, "update event set at = now() - interval '6 minutes'")
    report = run_command(unmigrated, "doctor", "--json")
    assert report.exit_code == 3
    failed = {check["name"]: check["detail"] for check in json.loads(report.stdout)["checks"] if not check["ok"]}
    assert set(failed) == set(CONSUMERS)
    assert all("1 events behind" in text and "clearline work" in text for text in failed.values())


async def test_the_doctor_warns_of_an_old_search_index_until_it_is_rebuilt(unmigrated: str) -> None:
    def check() -> dict[str, Any]:
        report = run_json(unmigrated, "doctor")
        assert report["ok"] is True
        [result] = [check for check in report["checks"] if check["name"] == "search index"]
        return dict(result)

    run_json(unmigrated, "migrate")
    current = {"name": "search index", "ok": True, "detail": f"format {FORMAT}"}
    assert check() == current
    await administer(unmigrated, "update search_index set format = 0")
    assert check() == current, "there is nothing to rebuild"
    await administer(unmigrated, "insert into ticket_search values (gen_random_uuid(), 1, '')")
    old = check()
    assert old["warning"] is True
    assert old["detail"].startswith(f"format 0 is older than {FORMAT} of this version")
    assert "clearline search rebuild" in old["detail"]
    run_json(unmigrated, "search", "rebuild")
    assert check() == current


async def test_an_index_from_before_formats_were_stored_counts_as_old(unmigrated: str) -> None:
    run_json(unmigrated, "migrate")
    await administer(unmigrated, "drop table search_index; insert into ticket_search values (gen_random_uuid(), 1, '')")
    await administer(unmigrated, MIGRATION.read_text("utf-8"))
    [warning] = [check for check in run_json(unmigrated, "doctor")["checks"] if check["name"] == "search index"]
    assert warning["warning"] is True


async def test_the_doctor_reports_that_attachments_cannot_be_stored(unmigrated: str, tmp_path: Path) -> None:
    run_json(unmigrated, "migrate")
    (tmp_path / "file").touch()
    report = run_command(unmigrated, "doctor", "--json", CLEARLINE_ATTACHMENTS=str(tmp_path / "file"))
    assert [check["name"] for check in json.loads(report.stdout)["checks"] if not check["ok"]] == ["attachments"]


async def test_the_doctor_shows_the_settings_of_the_planner(database_url: str) -> None:
    report = await asyncio.to_thread(run_command, database_url, "doctor", "--json")
    [check] = [check for check in json.loads(report.stdout)["checks"] if check["name"] == "planner"]
    assert check == {"name": "planner", "ok": True, "detail": "random_page_cost 1.1, jit off"}


def test_the_doctor_reports_settings_that_a_pooler_dropped() -> None:
    check = check_planner({"random_page_cost": "4", "jit": "off"}, is_embedded=False)
    assert check.ok is False
    assert check.detail.startswith("random_page_cost is 4, not 1.1; ")


def check_mail(url: str, smtp: str | None) -> tuple[int, dict[str, Any] | None]:
    """Run the checks; return the exit status, and the result for mail if it was checked."""
    settings = {} if smtp is None else {"CLEARLINE_SMTP": smtp, "CLEARLINE_MAIL_FROM": "Desk <desk@example.net>"}
    report = run_command(url, "doctor", "--json", **settings)
    results = [check for check in json.loads(report.stdout)["checks"] if check["name"] == "mail"]
    return report.exit_code, results[0] if results else None


async def test_the_doctor_logs_in_to_the_mail_server(database_url: str) -> None:
    assert check_mail(database_url, None)[1] is None
    async with running(auth=True) as server:
        smtp = f"smtp://desk%40example.net:p%40ss%3A%20word%2F1@127.0.0.1:{server.port}"
        _code, accepted = await asyncio.to_thread(check_mail, database_url, smtp)
        assert accepted is not None
        assert accepted["ok"] is True
        assert "answers and knows desk@example.net" in accepted["detail"]
        assert PASSWORD not in str(accepted)
        wrong = f"smtp://eve:{PASSWORD[:1]}@127.0.0.1:{server.port}"
        code, refused = await asyncio.to_thread(check_mail, database_url, wrong)
        assert code == 3
        assert refused is not None
        assert refused["ok"] is False
        assert "535" in refused["detail"]
    code, away = await asyncio.to_thread(check_mail, database_url, wrong)
    assert code == 3
    assert away is not None
    assert away["ok"] is False


def test_advice_is_for_the_kind_of_postgresql() -> None:
    planner = {"random_page_cost": "4", "jit": "off"}
    assert check_planner(planner, is_embedded=True).detail.endswith("; restart Clearline")
    assert "pooler" not in check_planner(planner, is_embedded=True).detail
    for sign in (1, -1):
        server, embedded = (check_clock(sign * timedelta(seconds=9), is_embedded=kind) for kind in (False, True))
        assert (server.ok, embedded.ok) == (False, False)
        assert server.detail.endswith("; synchronize the clocks of both machines, for example with NTP")
        assert "both machines" not in embedded.detail
    for kind in (False, True):
        right = check_clock(timedelta(seconds=1), is_embedded=kind)
        assert (right.ok, right.detail) == (True, "1.0 s between this machine and the database")


@pytest.mark.parametrize("kind", ["none", "own", "server"])
async def test_a_server_with_the_embedded_postgresql_knows_it(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    at = datetime(2040, 1, 1, tzinfo=UTC)

    async def old_server(_tx: Tx) -> tuple[str, datetime]:
        return "18.6", at

    monkeypatch.setattr(health, "now", lambda: at)
    monkeypatch.setattr(health, "version_and_time", old_server)
    urls = {"none": None, "own": url_of(tmp_path), "server": "postgresql://desk@db.example.net/desk"}
    settings = Settings(data_dir=tmp_path, database_url=urls[kind])
    checks = await health.check_database(database, settings, is_thorough=False)
    [release] = [check for check in checks if check.name == "minor release"]
    advice = "update the server"
    if kind != "server":
        advice = "update Clearline, or set CLEARLINE_POSTGRES_BIN to newer programs"
    assert (release.warning, release.detail.rpartition("; ")[2]) == (True, advice)


def test_an_old_minor_release_is_a_warning_and_no_fault() -> None:
    old = check_age("18.6", date(2026, 11, 28), is_embedded=True)
    assert (old.ok, old.warning, old.word) == (True, True, "warning")
    assert old.detail.startswith("PostgreSQL 18.6 is at least 107 days old (2026-08-13): ")
    assert old.detail.endswith("; update Clearline, or set CLEARLINE_POSTGRES_BIN to newer programs")
    assert check_age("15.18 (Debian)", date(2026, 11, 28), is_embedded=False).detail.endswith("; update the server")
    assert check_age("18.6", date(2026, 9, 1), is_embedded=True) == Check(
        "minor release", ok=True, detail="of 2026-08-13"
    )
    assert check_age("18.99", date(2040, 1, 1), is_embedded=True).detail == "18.99 is newer than this Clearline"


async def test_the_doctor_warns_of_passwords_whose_key_is_in_the_database(
    database_url: str, database: Database
) -> None:
    def secrets(**settings: str) -> dict[str, Any]:
        checks = json.loads(run_command(database_url, "doctor", "--json", **settings).stdout)["checks"]
        [check] = [check for check in checks if check["name"] == "secrets"]
        return {**check}

    assert secrets() == {"name": "secrets", "ok": True, "detail": "none"}
    async with database.transaction() as tx:
        await mailboxes.add_mailbox(
            tx,
            OPERATOR,
            {
                "address": "noc@example.net", "imap_host": "imap.example.net", "imap_user": "noc",
                "imap_password": "a password",
            },
            secret_box=SecretBox(b"x" * 32),
            now=NOW,
        )  # fmt: skip
    warned = secrets()
    assert (warned["ok"], warned["warning"]) == (True, True)
    assert warned["detail"].startswith("the key of 1 mailbox passwords is in the database too")
    own = secrets(CLEARLINE_SECRET_KEY="x" * 32)
    detail = "the passwords of mailboxes have a key of their own"
    assert own == {"name": "secrets", "ok": True, "detail": detail}
