"""A command with ``--json`` prints the response body of the house API for the same resource."""

import json
from collections.abc import AsyncIterator
from typing import Any, NamedTuple, get_args, get_origin

import httpx
import msgspec
import pytest

from clearline.cli.main import main
from clearline.settings.settings import Settings
from clearline.wires.house.event_stream.wire import EventPage, StreamedEvent
from clearline.wires.house.routes import OPERATIONS
from clearline.wires.house.search.wire import SearchPage
from clearline.wires.house.tickets.wire import TicketSummary
from clearline.wires.house.wire import Page
from tests.builders.application import run_command, serving
from tests.builders.commands import LOCAL, STEPS, Step, commands_below
from tests.builders.databases import administer

ANSWERS = {operation.name: operation.answer for operation in OPERATIONS}
COMMANDS = [(index, step) for index, step in enumerate(STEPS) if step.command]


class Printed(NamedTuple):
    """The output of a command, and the response body of the API at that time."""

    output: str
    body: Any


@pytest.fixture(scope="module")
async def printed(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[dict[int, Printed]]:
    """Run every step; yield what each prints, by its index."""
    folder = tmp_path_factory.mktemp("json")
    mail = {"CLEARLINE_SMTP": "smtp://127.0.0.1:9", "CLEARLINE_MAIL_FROM": "Support <support@example.net>"}
    variables = {**mail, "CLEARLINE_ATTACHMENTS": str(folder), "CLEARLINE_IMAP_NETWORKS": "127.0.0.0/8"}
    settings = Settings(
        database_url=database_url, attachments=str(folder), rate_limit=0, access_log=False, workers=False
    )
    saved: dict[str, Any] = {"folder": str(folder)}
    async with serving(settings) as client:
        yield {
            index: outcome
            for index, step in enumerate(STEPS)
            if (outcome := await _run_step(step, database_url, variables, client, saved)) is not None
        }


async def _run_step(
    step: Step, url: str, variables: dict[str, str], client: httpx.AsyncClient, saved: dict[str, Any]
) -> Printed | None:
    if step.sql is not None:
        await administer(url, step.sql.format(**saved))
        return None
    arguments = [argument.format(**saved) for argument in step.arguments]
    result = run_command(url, *step.command.split(), *arguments, "--json", text=step.text, **variables)
    assert result.exit_code == step.exit_code, (step, result.output)
    output = result.stdout
    if step.operation == "followEvents":
        output = "[" + ",".join(output.splitlines()) + "]"
    result_json = json.loads(output) if output else None
    if step.save:
        saved[step.save] = result_json
    if step.same is None:
        return Printed(output, None)
    path = step.same.format(**saved, it=result_json)
    limit = {"limit": "200"} if isinstance(result_json, list) else {}
    headers = {"Authorization": f"Bearer {saved['admin']['key']}"}
    answer = await client.get(httpx.URL(f"/api/v1{path}").copy_merge_params(limit), headers=headers)
    assert answer.status_code == 200, (step, answer.text)
    return Printed(output, answer.json())


@pytest.mark.parametrize(("index", "step"), COMMANDS, ids=[f"{step.command} {index}" for index, step in COMMANDS])
async def test_a_command_prints_the_response_body_of_the_api(
    printed: dict[int, Printed], index: int, step: Step
) -> None:
    output, body = printed[index]
    if step.operation is None:
        assert step.command in LOCAL
        return
    answer = ANSWERS[step.operation]
    if answer is None:
        assert output == ""
        return
    value = json.loads(output)
    kind = list[_item(answer)] if isinstance(value, list) else answer  # type: ignore[misc]
    assert json.loads(msgspec.json.encode(msgspec.json.decode(output, type=kind))) == value
    if step.same is not None:
        assert value == (body["data"] if isinstance(value, list) else body)
        assert value


def _item(answer: Any) -> Any:
    """Return the type of the items of a list; some commands list what the API only returns one by one."""
    if get_origin(answer) is Page:
        return get_args(answer)[0]
    return {EventPage: StreamedEvent, SearchPage: TicketSummary}.get(answer, answer)


def test_every_command_with_json_is_compared() -> None:
    with_json = {
        path
        for path, command in commands_below(main)
        if any(parameter.name == "as_json" for parameter in command.params)
    }
    assert {step.command for step in STEPS if step.command} | LOCAL == with_json
