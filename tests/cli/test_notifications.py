"""Notification preferences and pending notifications at the command line."""

import asyncio
from datetime import timedelta

import pytest

from clearline.events import store as event_store
from clearline.notifications.recipients import GROUPING_WINDOW, record_notifications
from clearline.platform.database.transactions import Database
from tests.builders.application import run_command, run_json
from tests.builders.people import NOW, new_tenant
from tests.builders.tickets import raised

USER = ("--company", "BIR001", "--user", "ada@birch.example.com")


@pytest.fixture(scope="module")
def desk(database_url: str) -> str:
    """Add a company with a user; return the address of the database."""
    run_json(database_url, "company", "add", "Birch Telecom", "--code", "BIR001")
    run_json(database_url, "user", "add", "--company", "BIR001", "--name", "Ada", "--email", USER[-1])
    return database_url


def test_the_preferences_of_a_user_are_shown_and_changed(desk: str) -> None:
    before = run_json(desk, "notifications", "show", *USER)
    assert (before["digest"], before["quiet_from"], before["rules"]["resolved"]) == ("daily", None, "email")
    after = run_json(desk, "notifications", "set", *USER, "--rule", "resolved=digest", "--rule", "company_ticket=email",
                 "--zone", "Europe/Amsterdam", "--quiet", "22:00-07:00", "--quiet-day", "sunday", "--digest", "hourly",
                 "--digest-at", "17:30", "--critical-breaks-quiet")  # fmt: skip
    rules = {**before["rules"], "resolved": "digest", "company_ticket": "email"}
    assert after == {
        "user_id": before["user_id"], "time_zone": "Europe/Amsterdam", "quiet_from": "22:00", "quiet_to": "07:00",
        "quiet_days": ["sunday"], "critical_breaks_quiet": True, "digest": "hourly", "digest_at": "17:30",
        "replies_by_mail": False,
        "rules": rules,
    }  # fmt: skip
    assert run_json(desk, "notifications", "show", *USER) == after
    shown = run_command(desk, "notifications", "show", *USER).stdout
    assert (
        "Digest hourly. Quiet: 22:00-07:00, sunday; critical tickets do not wait. Time zone Europe/Amsterdam." in shown
    )
    reset = run_json(
        desk,
        "notifications",
        "set",
        *USER,
        "--rule",
        "resolved=default",
        "--quiet",
        "none",
        "--quiet-day",
        "none",
    )
    assert (reset["quiet_from"], reset["quiet_days"], reset["rules"]["resolved"]) == (None, [], "email")


@pytest.mark.parametrize(
    ("options", "status", "words"),
    [
        ((), 2, "Nothing to change"),
        (("--rule", "resolved=loud"), 2, "loud is none of"),
        (("--rule", "nonsense=email"), 2, "nonsense is none of"),
        (("--quiet", "22-7-3"), 2, "22:00-07:00"),
        (("--zone", "Europe/Nowhere"), 1, "refused: time_zone must be the name of an IANA time zone"),
        (("--rule", "internal_note=email"), 1, "refused: rules.internal_note is not available to the role customer"),
    ],
)
def test_invalid_preferences_are_refused(desk: str, options: tuple[str, ...], status: int, words: str) -> None:
    done = run_command(desk, "notifications", "set", *USER, *options)
    assert (done.exit_code, done.stdout) == (status, "")
    assert words in done.stderr


def test_replies_by_mail_are_only_turned_off_at_the_command_line(desk: str) -> None:
    run_json(desk, "agent", "add", "Ben", "--email", "ben@provider.example.org")
    person = ("--user", "ben@provider.example.org")
    assert run_json(desk, "notifications", "set", *person, "--no-replies-by-mail")["replies_by_mail"] is False
    assert run_command(desk, "notifications", "set", *person, "--replies-by-mail").exit_code == 2
    assert "Replies to customers by mail" not in run_command(desk, "notifications", "show", *person).stdout


def test_contacts_get_mail_until_it_is_turned_off(desk: str) -> None:
    at = ("notifications", "contacts", "--company", "BIR001")
    assert "Contacts of Birch Telecom get mail." in run_command(desk, *at).stdout
    [company] = run_json(desk, "company", "list")
    off = run_json(desk, *at, "--off")
    assert (off["company_id"], off["mails_contacts"]) == (company["id"], False)
    assert "Contacts of Birch Telecom do not get mail." in run_command(desk, *at).stdout


def test_what_each_role_gets_and_what_becomes_of_cc_is_set(desk: str) -> None:
    at = ("notifications", "contacts", "--company", "BIR001")
    changed = run_json(desk, *at, "--rule", "cc=resolved,raised", "--rule", "technical=none", "--inbound-cc", "add")
    assert (changed["contact_rules"]["cc"], changed["contact_rules"]["technical"]) == (["raised", "resolved"], [])
    assert changed["inbound_cc"] == "add"
    restored = run_json(desk, *at, "--rule", "cc=default", "--rule", "technical=default", "--inbound-cc", "suggest")
    assert restored["contact_rules"]["cc"] == ["answers", "customer_notes", "resolved"]
    for wrong in ("boss=raised", "cc=gossip", "cc"):
        assert run_command(desk, *at, "--rule", wrong).exit_code == 2


def test_pending_notifications_are_listed(desk: str) -> None:
    async def work() -> None:
        database = await Database.open(desk)
        tenant = await new_tenant(database)
        async with database.transaction() as tx:
            number = await raised(tx, tenant)
            events = await event_store.of_ticket(tx, tenant.company.id, number, after=0, limit=10)
            await record_notifications(tx, events, since=NOW - timedelta(days=1), now=NOW + timedelta(seconds=1))
        await database.close()

    asyncio.run(work())
    [pending] = run_json(desk, "notifications", "pending")
    assert (pending["recipient"], pending["type"], pending["channel"]) == ("ada@example.com", "ticket.created", "email")
    due = (NOW + timedelta(seconds=1) + GROUPING_WINDOW).isoformat().replace("+00:00", "Z")
    assert pending["due_at"] == due
    assert "ada@example.com" in run_command(desk, "notifications", "pending").stdout
