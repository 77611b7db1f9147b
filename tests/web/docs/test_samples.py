"""Every operation has samples that can be parsed, and the programs on the other pages do what they say."""

import ast
import json
import shlex
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from clearline.clock import now
from clearline.web.docs import snippets
from clearline.web.docs.views import OperationView, operation_views
from clearline.webhooks.signature import format_secret, request_headers, sign
from tests.builders.web.reference import site

VIEWS = [view for plan in site().plans for page in plan.resources for view in operation_views(plan, page)]


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.id)
def test_both_samples_of_an_operation_send_the_same_request(view: OperationView) -> None:
    words = shlex.split(view.samples.curl.rpartition("\ncurl ")[2].removeprefix("curl ").replace("\\\n", " "))
    address = next(word for word in words if word.startswith("$CLEARLINE_URL"))
    method = words[words.index("-X") + 1] if "-X" in words else "GET"
    tree = ast.parse(view.samples.python)
    call = next(
        node for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == f"api.{method.lower()}"
        and not any(isinstance(parent, ast.Attribute) and parent.value is node for parent in ast.walk(tree))
    )  # fmt: skip
    arguments = {keyword.arg: keyword.value for keyword in call.keywords}
    assert method == view.method
    assert ast.literal_eval(call.args[0]) == address.removeprefix("$CLEARLINE_URL").partition("?")[0]
    if "json" in arguments:
        body: Any = ast.literal_eval(arguments["json"])
        assert json.loads(words[words.index("-d") + 1]) == body


def test_a_signature_of_ours_is_authentic_for_the_sample_and_no_other_is() -> None:
    names: dict[str, Any] = {}
    exec(snippets.VERIFY, names)  # noqa: S102 - our own sample
    is_authentic, key, body = names["is_authentic"], b"k" * 32, b'{"type":"ping"}'
    secret = format_secret(key)
    headers = signed([key], now(), body)
    assert is_authentic(secret, headers, body)
    assert is_authentic(secret, signed([b"new" * 11, key], now(), body), body)
    assert not is_authentic(secret, headers, body + b" ")
    assert not is_authentic(format_secret(b"x" * 32), headers, body)
    assert not is_authentic(secret, headers | {"webhook-id": str(uuid4())}, body)
    assert not is_authentic(secret, signed([key], now() - timedelta(minutes=10), body), body)


def signed(keys: list[bytes], at: datetime, body: bytes) -> dict[str, str]:
    delivery_id = uuid4()
    return request_headers(delivery_id, at) | {"webhook-signature": sign(keys, delivery_id, at, body)}
