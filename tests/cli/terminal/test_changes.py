"""What a command says about what it changed."""

import pytest
from msgspec import Struct

from clearline.cli.terminal.changes import change_text
from tests.builders.application import run_json, run_text


class Ref(Struct):
    id: str
    name: str


class Body(Struct):
    name: str
    team: Ref | None = None
    tags: list[str] = []
    is_active: bool = True
    version: int = 1


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [
        (Body("Ports"), Body("Ports", version=2), "Queue Ports: nothing changed."),
        (Body("Ports"), Body("Core"), "Queue Ports changed: name: Ports -> Core."),
        (Body("Ports"), Body("Ports", is_active=False), "Queue Ports changed: is_active: yes -> no."),
        (Body("Ports"), Body("Ports", Ref("1", "NOC")), "Queue Ports changed: team: - -> NOC."),
        (Body("Ports", tags=["a", "b"]), Body("Ports"), "Queue Ports changed: tags: a, b -> -."),
        (Body("Ports"), Body("", is_active=False), "Queue Ports changed: name: Ports -> -; is_active: yes -> no."),
        (Body("a" * 61), Body("a" * 60), f"Queue Ports changed: name: {'a' * 57}... -> {'a' * 60}."),
    ],
)
def test_each_member_that_differs_is_named(before: Body, after: Body, text: str) -> None:
    assert change_text("Queue Ports", before, after) == text


def test_every_change_says_what_it_changed(database_url: str) -> None:
    url = database_url
    run_json(url, "company", "add", "Birch", "--code", "BIR001")
    company = run_text(url, "company", "change", "BIR001", "--name", "Birch Telecom")
    assert company == "Company Birch Telecom (BIR001) changed: name: Birch -> Birch Telecom.\n"
    of = ("--company", "BIR001")
    run_json(url, "user", "add", *of, "--name", "Ada", "--email", "ada@birch.example.com")
    user = run_text(url, "user", "change", *of, "ada@birch.example.com", "--phone", "+1-555-0111", "--away")
    assert user == "User Ada <ada@birch.example.com> changed: phone: - -> +1-555-0111; is_available: yes -> no.\n"
    run_json(url, "service", "add", *of, "--id", "P-1", "--type", "Port", "--label", "Port 1")
    service = run_text(url, "service", "change", *of, "P-1", "--label", "Port one")
    assert service == "Port P-1 (Port one) changed: label: Port 1 -> Port one.\n"
    run_json(url, "team", "add", "NOC")
    run_json(url, "queue", "add", "Ports")
    assert run_text(url, "queue", "change", "Ports", "--team", "NOC") == "Queue Ports changed: team: - -> NOC.\n"
    run_json(url, "macro", "add", "Hi", "--text", "Hello")
    macro = run_text(url, "macro", "change", "Hi", "--tag", "hi")
    assert macro == "Macro Hi changed: add_tags: - -> hi.\n"
    run_json(url, "agent", "add", "Mara", "--email", "mara@example.net")
    view = run_json(url, "view", "add", "Mine", "fibre", "--user", "mara@example.net")
    changed = run_text(url, "view", "change", view["id"], "--query", "cut", "--user", "mara@example.net")
    assert changed == "View Mine changed: query: fibre -> cut.\n"
    webhook = run_json(url, "webhook", "add", "https://hooks.example.com/")
    off = run_text(url, "webhook", "change", webhook["id"], "--type", "note.")
    assert off == f"Webhook {webhook['id']} changed: types: - -> note..\n"
    run_json(url, "mailbox", "add", "support@example.net")
    mailbox = run_text(url, "mailbox", "change", "support@example.net", "--name", "Support")
    assert mailbox == "Mailbox support@example.net changed: name: - -> Support.\n"
