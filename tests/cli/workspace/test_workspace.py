"""Macros and saved views at the command line."""

import pytest

from clearline.platform.database.transactions import Database
from clearline.tickets.domain import ticket_number
from tests.builders.application import run_command, run_json, run_text
from tests.builders.people import Tenant, new_tenant
from tests.builders.tickets import raised

AGENT = "nia@example.net"


@pytest.fixture(scope="module")
async def customer(database: Database, database_url: str) -> Tenant:
    """Add an agent of the provider; return a customer."""
    run_json(database_url, "agent", "add", "Nia", "--email", AGENT)
    return await new_tenant(database)


@pytest.fixture
async def number(database: Database, customer: Tenant) -> str:
    """Return the number of a ticket."""
    async with database.transaction() as tx:
        return ticket_number(await raised(tx, customer))


def test_macros_are_added_applied_changed_and_deleted(database_url: str, number: str) -> None:
    url = database_url
    text = "Hello {{contact.name}}, we look at {{service.id}}."
    options = ("--text", text, "--internal", "--status", "in_progress", "--priority", "high", "--tag", "fibre")
    added = run_json(url, "macro", "add", "On it", *options)
    assert added == {
        "id": added["id"],
        "name": "On it",
        "text": text,
        "visibility": "internal",
        "status": "in_progress",
        "queue_id": None,
        "priority": "high",
        "add_tags": ["fibre"],
        "sub_status": None,
        "waiting": None,
        "closure": None,
        "fields": {},
        "reminder": None,
    }
    filled = "Hello Ada Okoro, we look at SVC-1."
    preview = run_json(url, "macro", "apply", "on it", number, "--dry-run")
    assert (preview["text"], preview["note"], preview["visibility"]) == (filled, None, "internal")
    assert (preview["ticket"]["number"], preview["ticket"]["status"]) == (number, "acknowledged")
    assert run_json(url, "ticket", "notes", number) == []
    used = run_json(url, "macro", "apply", "On it", number)
    assert (used["text"], used["ticket"]["status"]) == (filled, "in_progress")
    [note] = run_json(url, "ticket", "notes", number)
    assert (note["id"], note["text"], note["visibility"]) == (used["note"], filled, "internal")
    changes = ("--name", "Taken", "--status", "none", "--public", "--no-tags")
    changed = run_json(url, "macro", "change", "On it", *changes)
    assert changed == {**added, "name": "Taken", "status": None, "visibility": "public", "add_tags": []}
    assert run_json(url, "macro", "list") == [changed]
    reminds = ("--remind-in", "2d", "--remind-reason", "Call", "--remind-answer")
    reminded = run_json(url, "macro", "change", "Taken", *reminds)
    assert reminded == {**changed, "reminder": {"wait": "2d", "reason": "Call", "cancelled_by_answer": True}}
    later = run_json(url, "macro", "change", "Taken", "--remind-in", "90m")
    assert later["reminder"] == {"wait": "90m", "reason": "Call", "cancelled_by_answer": True}
    assert run_json(url, "macro", "apply", "Taken", number)["ticket"]["reminder"]["reason"] == "Call"
    assert run_json(url, "macro", "change", "Taken", "--remind-in", "none") == changed
    assert run_json(url, "macro", "delete", "Taken") is None
    assert run_json(url, "macro", "list") == []


def test_views_are_saved_for_users(database_url: str, customer: Tenant) -> None:
    url, nia = database_url, ("--user", AGENT)
    own = run_json(url, "view", "add", "Mine", "fibre", *nia)
    shared = run_json(url, "view", "add", "Ours", "status:open", "--shared", *nia)
    assert [view["name"] for view in run_json(url, "view", "list", *nia)] == ["Mine", "Ours"]
    ada = ("--company", customer.company.code, "--user", customer.user.email)
    assert run_json(url, "view", "list", *ada) == []
    changed = run_json(url, "view", "change", shared["id"], "--query", "status:held", "--own", *nia)
    assert changed == {**shared, "query": "status:held", "is_shared": False}
    ordered = run_json(url, "view", "change", own["id"], "--sort", "-updated_at", *nia)
    assert ordered == {**own, "sort": "-updated_at"}
    assert run_json(url, "view", "change", own["id"], "--sort", "none", *nia) == own == {**own, "sort": None}
    assert run_json(url, "view", "add", "Sorted", "fibre", "--sort", "priority", *nia)["sort"] == "priority"
    assert run_command(url, "view", "change", own["id"], "--sort", "age", *nia).exit_code == 2
    columns = ("--column", "queue", "--column", "number")
    narrow = run_json(url, "view", "change", own["id"], *columns, *nia)
    assert narrow == {**own, "columns": ["number", "queue"]}
    assert run_json(url, "view", "change", own["id"], "--name", own["name"], *nia) == narrow
    assert run_json(url, "view", "change", own["id"], "--column", "none", *nia) == own == {**own, "columns": None}
    narrow_too = run_json(url, "view", "add", "Narrow", "fibre", *columns, *nia)
    assert narrow_too["columns"] == ["number", "queue"]
    assert run_json(url, "view", "delete", narrow_too["id"], *nia) is None
    assert run_command(url, "view", "change", own["id"], "--column", "age", *nia).exit_code == 2
    sorted_view = next(view for view in run_json(url, "view", "list", *nia) if view["name"] == "Sorted")
    for view in (own, shared, sorted_view):
        assert run_json(url, "view", "delete", view["id"], *nia) is None
    assert run_json(url, "view", "list", *nia) == []


def test_without_json_the_output_is_sentences_and_tables(database_url: str, number: str) -> None:
    for arguments, text in (
        (("macro", "add", "Hi", "--text", "Hello\nthere", "--status", "pending"), "Macro Hi added.\n"),
        (("macro", "list"), "Hello"),
        (("macro", "apply", "Hi", number, "--dry-run"), "Hello\nthere\n\nNothing was changed.\n"),
        (("macro", "apply", "Hi", number), f"Hello\nthere\n\nMacro applied; {number} is pending.\n"),
        (("macro", "delete", "Hi"), "Macro Hi deleted.\n"),
        (("view", "add", "Mine", "fibre", "--user", AGENT), "View Mine added with id "),
        (("view", "list", "--user", AGENT), "fibre"),
    ):
        assert text in run_text(database_url, *arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("macro", "add", "M", "--text", "{{nonsense}}"), "refused: text may only have the placeholders"),
        (("macro", "add", "M", "--text", "x", "--queue", "Nowhere"), "refused: queue Nowhere does not exist"),
        (("macro", "apply", "Nothing", "INC000000000001"), "refused: macro Nothing does not exist"),
        (("view", "list", "--user", "nobody@example.com"), "refused: user nobody@example.com does not exist"),
    ],
)
def test_a_refusal_has_an_exit_status_and_a_message(
    database_url: str, arguments: tuple[str, ...], message: str
) -> None:
    done = run_command(database_url, *arguments)
    assert (done.exit_code, done.stdout) == (1, "")
    assert message in done.stderr


def test_a_template_has_own_fields_and_a_service_type(database_url: str) -> None:
    url = database_url
    run_json(url, "field", "add", "ticket", "latency", "--label", "Latency", "--type", "integer")
    run_json(url, "service-type", "add", "Wavelength")
    options = ("--field", "latency=20", "--service-type", "wavelength", "--title", "No light")
    added = run_json(url, "template", "add", "Wave down", *options)
    assert added == {**added, "fields": {"latency": 20}, "service_type": "Wavelength", "retired": []}
    assert run_json(url, "template", "list", "--service-type", "Port") == []
    run_json(url, "service-type", "retire", "Wavelength")
    changed = run_json(url, "template", "change", "Wave down", "--field", "latency=30")
    assert changed == {**added, "fields": {"latency": 30}, "retired": ["service_type"]}
    assert "Wavelength (retired)" in run_text(url, "template", "list")
    text = run_text(url, "template", "change", "Wave down", "--field", "latency=", "--service-type", "none")
    assert "service_type" in text
    [listed] = run_json(url, "template", "list", "--service-type", "Port")
    assert listed == {**added, "fields": {}, "service_type": None, "retired": []}
    run_json(url, "field", "delete", "ticket", "latency", "--yes")
