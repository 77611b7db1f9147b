"""The whole application as its users meet it: here, its commands."""

import json
import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from click.testing import CliRunner, Result

from clearline.cli.main import main


def run_command(url: str, *arguments: str, text: str | None = None) -> Result:
    """Run a command in this process, which takes a tenth of the time of a process of its own.

    It runs in a thread, where it has an event loop of its own, and sees no setting but the address of the database.
    """
    environment: dict[str, str | None] = {name: None for name in os.environ if name.startswith("CLEARLINE_")}
    environment["CLEARLINE_DATABASE_URL"] = url
    with ThreadPoolExecutor(1) as thread:
        runner = CliRunner(env=environment)
        return thread.submit(runner.invoke, main, arguments, input=text, prog_name="clearline").result()


def run_json(url: str, *arguments: str) -> Any:
    """Run a command that succeeds, and return what it prints as JSON."""
    result = run_command(url, *arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)
