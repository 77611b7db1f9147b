"""What a server prints at its first start."""

import re

import pytest

from tests.builders.processes import eventually
from tests.builders.server import Server


def _links(server: Server) -> list[str]:
    return re.findall(
        rf"^Set up this desk \(once, within a day\): {re.escape(server.url)}/set-up\?token=([\w-]{{43}})$",
        server.err,
        re.MULTILINE,
    )


def test_a_fresh_installation_prints_a_new_link_of_the_set_up_until_it_has_people(server: Server) -> None:
    server.start()
    assert eventually(lambda: len(_links(server)) == 1)
    assert server.stop() == 0
    added = server.command("agent", "add", "Ida Moss", "--email", "ida@example.net", "--role", "admin")
    assert added.returncode == 0, added.stderr
    server.start()
    assert len(_links(server)) == 1
    assert server.stop() == 0


@pytest.mark.usefixtures("with_demo_data")
def test_the_demo_prints_the_passwords_of_customers_first_then_of_an_agent_and_an_admin(server: Server) -> None:
    server.start("--demo")
    assert eventually(lambda: "Reference:" in server.out)
    printed = re.findall(r"^([\w' ]+): +(\S+@\S+)  ((?:[a-z2-9]{4}-){3}[a-z2-9]{4})$", server.out, re.MULTILINE)
    assert [(who, address.partition("@")[2]) for who, address, _password in printed] == [
        ("Customer's admin", "alderbay.example.com"),
        ("Customer's admin", "copperline.example.net"),
        ("An agent", "provider.example.org"),
        ("The admin", "provider.example.org"),
    ]
    assert _links(server) == []
    assert server.stop() == 0
