"""A stopping server cancels the requests that last too long: they are answered all the same."""

import asyncio
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send

from clearline.stopping import Stopping
from clearline.wires.http.edge import Edge

START = {"type": "http.response.start", "status": 200, "headers": []}


@pytest.mark.parametrize(("sends", "statuses"), [([], [503]), ([START], [200])])
async def test_a_cancelled_request_is_answered_unless_its_answer_has_begun(
    sends: list[dict[str, Any]], statuses: list[int]
) -> None:
    sent: list[dict[str, Any]] = []
    waiting = asyncio.Event()

    async def slow(_scope: Scope, _receive: Receive, send: Send) -> None:
        for message in sends:
            await send(message)
        waiting.set()
        await asyncio.Event().wait()

    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": "/confirm/", "headers": []}
    request = asyncio.create_task(Edge(slow, Stopping(0, print), access_log=False)(scope, receive, send))
    await waiting.wait()
    request.cancel()
    await request
    starts = [message for message in sent if message["type"] == "http.response.start"]
    assert [start["status"] for start in starts] == statuses
    if statuses == [503]:
        headers = dict(starts[0]["headers"])
        assert headers[b"retry-after"] == b"1"
        assert len(sent[1]["body"]) == int(headers[b"content-length"])
        assert headers[b"x-request-id"]
