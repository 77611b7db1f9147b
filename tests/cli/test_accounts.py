"""People, keys, services and the audit at the command line."""

import re
from pathlib import Path

import pytest

from tests.builders.application import run_command, run_json


@pytest.fixture(scope="module")
def desk(database_url: str) -> str:
    """Add a company; return the address of the database."""
    run_json(database_url, "company", "add", "Birch Telecom", "--code", "BIR001")
    return database_url


def test_a_user_is_added_changed_and_deactivated(desk: str) -> None:
    ada = ("--company", "BIR001", "ada@birch.example.com")
    added = run_json(desk, "user", "add", "--company", "BIR001", "--name", "Ada", "--email", ada[-1], "--role",
                 "customer_admin")  # fmt: skip
    assert (added["role"], added["is_active"]) == ("customer_admin", True)
    changed = run_json(desk, "user", "change", *ada, "--role", "customer", "--phone", "+1-555-0111", "--away")
    assert changed == {**added, "role": "customer", "phone": "+1-555-0111", "is_available": False}
    key = run_json(desk, "key", "create", "--company", "BIR001", "--user", ada[-1])
    assert key["scopes"] == ["tickets:read", "tickets:write"]
    refused_key = run_command(desk, "key", "create", "--company", "BIR001", "--user", ada[-1], "--scope", "desk:write")
    assert (refused_key.exit_code, refused_key.stdout) == (1, "")
    assert refused_key.stderr == "refused: scopes must not have desk:write: the user is a customer\n"
    deactivated = run_command(desk, "user", "deactivate", *ada)
    assert deactivated.stdout == "User Ada <ada@birch.example.com> is now not active.\n"
    refused = run_command(desk, "key", "create", "--company", "BIR001", "--user", ada[-1])
    assert (refused.exit_code, refused.stderr) == (1, "refused: user ada@birch.example.com is not active\n")
    listed = run_command(desk, "user", "list", "--company", "BIR001").stdout
    assert [word for word in listed.splitlines()[1].split() if word in {"yes", "no"}] == ["no", "no"]
    assert run_json(desk, "user", "change", *ada, "--active")["is_active"] is True


def test_a_language_is_set_and_inherited_again(desk: str) -> None:
    of = ("--company", "BIR001")
    added = run_json(desk, "user", "add", *of, "--name", "Jo", "--email", "jo@birch.example.com", "--language", "de")
    assert added["language"] == "de"
    changed = run_json(desk, "user", "change", *of, "jo@birch.example.com", "--language", "inherited")
    assert changed == {**added, "language": None}
    assert run_json(desk, "company", "change", "BIR001", "--language", "de")["language"] == "de"
    assert run_json(desk, "company", "change", "BIR001", "--language", "inherited")["language"] is None
    assert run_json(desk, "company", "add", "Birke Netze", "--code", "BIR002", "--language", "de")["language"] == "de"
    assert run_command(desk, "company", "change", "BIR001", "--language", "tlh").exit_code == 2


def test_an_agent_is_added_to_the_provider(desk: str) -> None:
    added = run_json(desk, "agent", "add", "Mara Lindqvist", "--email", "mara@example.net")
    assert added["role"] == "agent"
    assert run_json(desk, "agent", "list") == [added]
    assert run_json(desk, "user", "list", "--company", "PROVIDER") == [added]
    key = run_json(desk, "key", "create", "--company", "PROVIDER", "--user", "mara@example.net")
    assert key["scopes"] == ["accounts:read", "desk:read", "tickets:read", "tickets:write"]
    wrong = run_command(
        desk, "user", "add", "--company", "BIR001", "--name", "B", "--email", "b@example.com", "--role", "admin"
    )
    assert wrong.exit_code == 1
    assert "role must be one of customer, customer_admin" in wrong.stderr


def test_a_company_and_a_service_are_changed(desk: str) -> None:
    run_json(desk, "company", "add", "Cedar Media", "--code", "CED001")
    assert run_json(desk, "company", "change", "CED001", "--name", "Cedar Group")["name"] == "Cedar Group"
    refused = run_command(desk, "company", "change", "cedar group", "--code", "bir001")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "exists already" in refused.stderr
    of = ("--company", "CED001")
    run_json(desk, "service", "add", *of, "--id", "P-1", "--type", "Port", "--label", "Port 1")
    assert run_json(desk, "service", "change", *of, "P-1", "--label", "Port one")["label"] == "Port one"
    assert run_json(desk, "service", "change", *of, "P-1", "--type", "CloudRouter")["type"] == "CloudRouter"
    assert run_command(desk, "service", "delete", *of, "P-1").stdout == "CloudRouter P-1 (Port one) deleted.\n"
    assert run_json(desk, "service", "list", *of) == []
    assert run_command(desk, "service", "delete", *of, "P-1").exit_code == 1


def test_companies_and_users_are_listed(desk: str) -> None:
    run_json(desk, "user", "add", "--company", "BIR001", "--name", "Bo", "--email", "bo@birch.example.com")
    assert "BIR001" in [company["code"] for company in run_json(desk, "company", "list")]
    users = run_json(desk, "user", "list", "--company", "birch telecom")
    assert "bo@birch.example.com" in [user["email"] for user in users]
    assert "Birch Telecom" in run_command(desk, "company", "list").stdout


def test_a_secret_is_shown_once_and_never_listed(desk: str) -> None:
    of = ("--company", "BIR001")
    run_json(desk, "user", "add", *of, "--name", "Cy", "--email", "cy@birch.example.com")
    options = ("--user", "cy@birch.example.com", "--name", "ci", "--scope", "tickets:read", "--days", "7")
    created = run_json(desk, "key", "create", *of, *options)
    assert created["scopes"] == ["tickets:read"]
    assert created["key"].startswith(created["prefix"])
    for listed in (run_command(desk, "key", "list", *of, "--json"), run_command(desk, "key", "list", *of)):
        assert created["id"] in listed.stdout
        assert created["key"] not in listed.stdout
        assert created["key"][len(created["prefix"]) :] not in listed.stdout
    assert run_json(desk, "key", "revoke", *of, created["id"]) is None
    alone = run_command(desk, "key", "create", *of, *options)
    assert re.fullmatch(rf"{created['key'][:4]}[A-Za-z0-9_-]+\n", alone.stdout)
    assert len(alone.stdout) == len(created["key"]) + 1
    assert (alone.stdout[:-1] in alone.stderr, "is not shown again" in alone.stderr) == (False, True)
    [revoked] = [key for key in run_json(desk, "key", "list", *of) if key["id"] == created["id"]]
    assert revoked["revoked_at"] is not None


def test_services_are_added_imported_and_listed(desk: str, tmp_path: Path) -> None:
    of = ("--company", "BIR001")
    run_json(desk, "service", "add", *of, "--id", "P-1", "--type", "Port", "--label", "Port 1")
    file = tmp_path / "services.csv"
    file.write_text("\ufeffid,type,label\nP-1,Port,Port one\nP-2,Port,P\u00f6rt 2\n", encoding="utf-8")
    expected = {"dry_run": True, "created": 1, "updated": 1, "unchanged": 0}
    assert run_json(desk, "service", "import", *of, str(file), "--dry-run") == expected
    assert [service["id"] for service in run_json(desk, "service", "list", *of)] == ["P-1"]
    assert run_json(desk, "service", "import", *of, str(file)) == {**expected, "dry_run": False}
    services = run_json(desk, "service", "list", *of)
    assert {service["id"]: service["label"] for service in services} == {"P-1": "Port one", "P-2": "P\u00f6rt 2"}
    wrong = run_command(desk, "service", "import", *of, "-", text="id,type,label\nP-3,Teapot,x\n")
    assert (wrong.exit_code, wrong.stdout) == (1, "")
    assert "line 2: type must be one of" in wrong.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("company", "change", "BIR001"),
        ("user", "change", "--company", "BIR001", "nobody@example.com"),
        ("service", "change", "--company", "BIR001", "P-1"),
    ],
)
def test_a_change_without_options_is_a_usage_error(desk: str, arguments: tuple[str, ...]) -> None:
    done = run_command(desk, *arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "Nothing to change: give at least one of --" in done.stderr


def test_the_audit_is_listed_and_filtered(desk: str) -> None:
    run_json(desk, "company", "add", "Dogwood Foods", "--code", "DOG001")
    run_json(desk, "user", "add", "--company", "DOG001", "--name", "Di", "--email", "di@example.org")
    run_json(desk, "user", "change", "--company", "DOG001", "di@example.org", "--phone", "+1-555-0112")
    of = ("audit", "--company", "DOG001")
    events = run_json(desk, *of)
    assert [event["type"] for event in events] == ["user.changed", "user.created", "company.created"]
    assert {event["actor"] for event in events} == {"operator"}
    assert events[0]["data"]["changes"] == [{"field": "phone", "before": "", "after": "+1-555-0112"}]
    assert run_json(desk, *of, "--type", "user.") == events[:2]
    assert run_json(desk, *of, "--limit", "1") == events[:1]
    assert run_json(desk, *of, "--actor", "di@example.org") == []
    assert run_json(desk, *of, "--since", "2020-01-01", "--until", "2020-01-02T12:00") == []
    assert run_json(desk, *of, "--since", "2020-01-01T00:00:00Z") == events
    line = run_command(desk, *of, "--type", "user.changed").stdout.splitlines()[1]
    assert all(part in line for part in ("operator", "user.changed", "Di", "phone:  -> +1-555-0112"))
    for refused in (("--ticket", "INC000000000009"), ("--ticket", "seven"), ("--actor", "nobody@example.com")):
        assert run_command(desk, *of, *refused).exit_code == 1
    assert run_command(desk, *of, "--since", "yesterday").exit_code == 2


def test_users_are_found_by_address_in_every_company(desk: str) -> None:
    of = ("--name", "Eve", "--email", "Eve@example.org")
    run_json(desk, "company", "add", "Elm Water", "--code", "ELM001")
    eves = [run_json(desk, "user", "add", "--company", code, *of) for code in ("BIR001", "ELM001")]
    for address in ("Eve@example.org", "eve@EXAMPLE.org", "Eve <eve@example.org>"):
        assert sorted(user["id"] for user in run_json(desk, "user", "find", address)) == sorted(
            eve["id"] for eve in eves
        )
    found = run_command(desk, "user", "find", "eve@example.org")
    assert all(word in found.stdout for word in ("Birch Telecom", "ELM001", "Eve@example.org"))
    assert run_json(desk, "user", "find", "eve@example.or") == []
    by_name = run_command(desk, "user", "find", "eve")
    assert by_name.exit_code == 2
    assert "must be an e-mail address" in by_name.stderr
    more = run_command(desk, "user", "find", "eve@example.org", "--limit", "1")
    assert more.stderr == "Showing the first 1 users; use --limit to see more.\n"


def test_a_company_is_deactivated_with_its_users_keys_webhooks_and_mail(desk: str) -> None:
    of = ("--company", "FIR001")
    run_json(desk, "company", "add", "Fir Power", "--code", "FIR001")
    for name in ("fay", "flo"):
        run_json(desk, "user", "add", *of, "--name", name.title(), "--email", f"{name}@fir.example.com")
        run_json(desk, "key", "create", *of, "--user", f"{name}@fir.example.com")
    run_json(desk, "user", "deactivate", *of, "flo@fir.example.com")
    run_json(desk, "webhook", "add", *of, "https://hooks.example.com/fir")
    run_json(desk, "service", "add", *of, "--id", "P-1", "--type", "Port", "--label", "Port 1")
    options = ("--title", "T", "--description", "D", "--issue", "Others", "--service", "P-1", "--service-type", "Port")
    run_json(desk, "ticket", "create", *of, *options)
    done = run_command(desk, "company", "deactivate", "fir001")
    assert done.exit_code == 0, done.output
    assert done.stdout == (
        "Company Fir Power (FIR001) deactivated. Ended: 1 user, 1 key, 1 webhook, mail to its contacts. "
        "Open tickets: 1.\n"
    )
    assert [user["is_active"] for user in run_json(desk, "user", "list", *of)] == [False, False]
    assert [webhook["is_active"] for webhook in run_json(desk, "webhook", "list", *of)] == [False]
    assert run_json(desk, "notifications", "contacts", *of)["mails_contacts"] is False
    again = run_json(desk, "company", "deactivate", "FIR001")
    assert {name: again[name] for name in ("users", "keys", "webhooks", "mails_contacts", "open_tickets")} == {
        "users": 0, "keys": 0, "webhooks": 0, "mails_contacts": False, "open_tickets": 1,
    }  # fmt: skip
    refused = run_command(desk, "company", "deactivate", "PROVIDER")
    assert (refused.exit_code, refused.stderr) == (1, "refused: the provider cannot be deactivated\n")


def test_a_company_that_is_activated_has_what_it_had_and_no_more(desk: str) -> None:
    of = ("--company", "GUM001")
    run_json(desk, "company", "add", "Gum Rail", "--code", "GUM001")
    keys = {}
    for name in ("gia", "gus"):
        run_json(desk, "user", "add", *of, "--name", name.title(), "--email", f"{name}@gum.example.com")
        keys[name] = run_json(desk, "key", "create", *of, "--user", f"{name}@gum.example.com")
    run_json(desk, "user", "deactivate", *of, "gus@gum.example.com")
    hooks = [run_json(desk, "webhook", "add", *of, f"https://hooks.example.com/gum{number}") for number in range(3)]
    run_json(desk, "webhook", "change", *of, hooks[0]["id"], "--off")
    before = run_json(desk, "webhook", "list", *of)
    run_json(desk, "company", "deactivate", "GUM001")
    [shown] = [company for company in run_json(desk, "company", "list") if company["code"] == "GUM001"]
    assert (shown["is_active"], shown["deactivated_at"] is None) == (False, False)
    listed = run_command(desk, "company", "list").stdout
    assert [line.split()[3] for line in listed.splitlines() if "GUM001" in line] == ["no"]
    for refused in (
        ("user", "add", *of, "--name", "Gil", "--email", "gil@gum.example.com"),
        ("user", "change", *of, "gia@gum.example.com", "--active"),
        ("webhook", "add", *of, "https://hooks.example.com/more"),
        ("webhook", "change", *of, hooks[1]["id"], "--on"),
        ("notifications", "contacts", *of, "--on"),
    ):
        done = run_command(desk, *refused)
        assert (done.exit_code, done.stderr) == (1, "refused: company Gum Rail is deactivated: activate it first\n")
    again = run_json(desk, "company", "deactivate", "GUM001")
    assert again["company"]["deactivated_at"] == shown["deactivated_at"]
    run_json(desk, "webhook", "delete", *of, hooks[2]["id"])
    activated = run_command(desk, "company", "activate", "GUM001")
    assert activated.stdout == (
        "Company Gum Rail (GUM001) activated, with 1 user, 1 webhook, mail to its contacts.\n"
    ), activated.output
    assert {user["name"]: user["is_active"] for user in run_json(desk, "user", "list", *of)} == {
        "Gia": True, "Gus": False,
    }  # fmt: skip
    left = {webhook["id"]: webhook["is_active"] for webhook in run_json(desk, "webhook", "list", *of)}
    assert left == {hook["id"]: hook["is_active"] for hook in before if hook["id"] != hooks[2]["id"]}
    assert run_json(desk, "notifications", "contacts", *of)["mails_contacts"] is True
    refused_again = run_command(desk, "company", "activate", "GUM001")
    assert (refused_again.exit_code, refused_again.stderr) == (1, "refused: company Gum Rail is active\n")
    events = run_json(desk, "audit", *of, "--type", "company.")
    assert [event["data"]["changes"] for event in events if event["data"]["changes"][0]["field"] == "is_active"] == [
        [{"field": "is_active", "before": False, "after": True}],
        [{"field": "is_active", "before": True, "after": False}],
    ]


def test_mail_to_contacts_that_was_off_stays_off(desk: str) -> None:
    run_json(desk, "company", "add", "Hazel Bus", "--code", "HAZ001")
    run_json(desk, "notifications", "contacts", "--company", "HAZ001", "--off")
    run_json(desk, "company", "deactivate", "HAZ001")
    activated = run_json(desk, "company", "activate", "HAZ001")
    assert (activated["mails_contacts"], activated["users"], activated["webhooks"]) == (False, 0, 0)
    assert activated["company"]["is_active"] is True
    assert run_json(desk, "notifications", "contacts", "--company", "HAZ001")["mails_contacts"] is False


def test_a_claim_of_an_address_is_shown_with_the_claimant(desk: str) -> None:
    address = "cleo@claims.example.org"
    for code in ("CLA001", "CLA002"):
        run_json(desk, "company", "add", f"Claims {code}", "--code", code)
        run_json(desk, "user", "add", "--company", code, "--name", "Cleo", "--email", address)
    unconfirmed = run_json(desk, "user", "change", "--company", "CLA002", address, "--unconfirmed")
    assert unconfirmed["is_confirmed"] is False
    rows = run_command(desk, "user", "find", address).stdout.splitlines()[1:]
    assert {code for row in rows for code in ("CLA001", "CLA002") if code in row and "(unconfirmed)" in row} == {
        "CLA002"
    }
    confirmed = run_json(desk, "user", "change", "--company", "CLA002", address, "--confirmed")
    assert confirmed["is_confirmed"] is True
    assert "unconfirmed" not in run_command(desk, "user", "find", address).stdout


def test_a_deactivated_agent_hands_its_tickets_over(desk: str) -> None:
    run_json(desk, "company", "add", "Heirs", "--code", "HEI001")
    run_json(desk, "user", "add", "--company", "HEI001", "--name", "Kim", "--email", "kim@heirs.example.com")
    for name in ("tess", "tom"):
        run_json(desk, "agent", "add", name, "--email", f"{name}@example.net")
    numbers = [
        run_json(
            desk, "ticket", "create", "--company", "HEI001", "--title", "Down", "--description", "No light", "--issue",
            "Circuit Down", "--service", "P-1", "--service-type", "Non-Console Service",
        )["number"]
        for _ in range(2)
    ]  # fmt: skip
    for number in numbers:
        run_json(desk, "ticket", "assign", number, "--to", "tess@example.net")
    provider = ("--company", "PROVIDER")
    first = run_command(desk, "user", "deactivate", *provider, "tess@example.net", "--hand-over-to", "tom@example.net")
    assert first.stdout == (
        "User tess <tess@example.net> is now not active. 2 open tickets handed over to tom@example.net.\n"
    )
    second = run_command(desk, "user", "deactivate", *provider, "tom@example.net")
    assert second.stdout == "User tom <tom@example.net> is now not active. 2 open tickets returned to their queues.\n"
    assert [run_json(desk, "ticket", "show", number)["assignee"] for number in numbers] == [None, None]
