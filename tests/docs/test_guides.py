"""The guides work: the commands of each page are run in order against the demo, as a reader pastes them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.builders.docs.pages import ROOT, blocks, paste
from tests.builders.server import Server, running_server

GUIDES = ROOT / "docs" / "how-to"
ADDRESS = "127.0.0.1:8080"
NOT_FOR_THE_DEMO = {
    "back-up-and-upgrade.md": "stops the server and replaces its data",
    "end-a-forgotten-transaction.md": "is about a fault",
    "make-a-release.md": "tags the clone",
    "run-in-containers.md": "builds images",
    "run-in-production.md": "installs units and accounts",
    "run-several-servers.md": "needs a load balancer, and restarts services",
    "run-workers-apart.md": "starts servers with other settings",
    "use-the-admin-pages.md": "is about pages: tests/web/browser",
    "use-the-portal.md": "is about pages: tests/web/portal",
    "work-tickets-in-the-console.md": "is about pages: tests/web/browser",
}
"""Guides whose commands need a machine of their own, or that have none."""

PASTED = [path.name for path in sorted(GUIDES.iterdir()) if path.name not in NOT_FOR_THE_DEMO]


@pytest.fixture(scope="module")
def demo() -> Iterator[Server]:
    """Yield a running Clearline with the demo's data."""
    with running_server("clearline-guides-", "--demo") as server:
        yield server


@pytest.mark.parametrize("guide", PASTED)
def test_the_pasted_commands_of_a_guide_work(demo: Server, guide: str, tmp_path: Path) -> None:
    commands = "".join(blocks(GUIDES / guide, "sh"))
    assert commands, "nothing of this guide can be pasted"
    done = paste(demo, commands, {ADDRESS: demo.url.removeprefix("http://")}, tmp_path)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("guide", PASTED)
def test_every_command_of_a_guide_is_pasted(guide: str) -> None:
    commands = [line for block in blocks(GUIDES / guide, "") for line in block.splitlines()]
    assert [line for line in commands if line.startswith(("clearline ", "curl ", "export "))] == []
