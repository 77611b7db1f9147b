"""Requests to try, as curl and as Python with httpx, made from the operations of an OpenAPI document.

Both take the address of the server from ``CLEARLINE_URL``, and the key from ``CLEARLINE_KEY``.
"""

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from msgspec import Struct

from clearline.web.docs.literals import as_json, as_python

_FORMATS = {"uuid": "0f8fad5b-d9cb-469f-a165-70867728950e", "date-time": "2026-03-01T12:00:00Z"}
_NAMES = {"service_id": "NET-AMS-0012", "name": "trace.txt"}
"""Values of parameters whose schema says little of what they are."""
_FILES = {"application/x-ndjson": "tickets.ndjson", "text/csv": "tickets.csv"}
_FILE = "trace.txt"
_CLIENT = """import os

import httpx

key = os.environ["CLEARLINE_KEY"]
api = httpx.Client(
    base_url=os.environ["CLEARLINE_URL"],
    headers={"Authorization": f"Bearer {key}"},
)
"""
_KEY_HEADER = '-H "Authorization: Bearer $CLEARLINE_KEY"'
_WIDTH = 56


class Samples(Struct, frozen=True):
    """The request of an operation in both languages."""

    curl: str
    python: str


class _Request(Struct, frozen=True):
    """What a sample sends. ``has_etag`` is whether the same path can be read first, for its ETag."""

    method: str
    path: str
    query: Mapping[str, str]
    media: str | None
    body: Any
    has_etag: bool
    needs_etag: bool
    is_json: bool
    has_answer: bool


def samples_of(method: str, path: str, operation: Mapping[str, Any], body: Any, *, can_read: bool) -> Samples:
    """Return the samples of an operation; ``body`` is its example. ``can_read`` is whether the path has a GET."""
    values = {parameter["name"]: example_of(parameter) for parameter in operation["parameters"]}
    required = [parameter for parameter in operation["parameters"] if parameter.get("required")]
    content = operation.get("requestBody", {}).get("content", {})
    answers = operation["responses"]
    answer: Mapping[str, Any] = answers[min(answers)]
    request = _Request(
        method=method.upper(),
        path=re.sub(r"\{(\w+)\}", lambda found: quote(values[found[1]], safe=""), path),
        query={parameter["name"]: values[parameter["name"]] for parameter in required if parameter["in"] == "query"},
        media=next(iter(content), None),
        body=body,
        has_etag=can_read,
        needs_etag=any(parameter["name"] == "If-Match" for parameter in required),
        is_json=next(iter(answer.get("content", {})), "") == "application/json",
        has_answer=bool(answer.get("content")),
    )
    return Samples(_curl(request), _python(request))


def example_of(parameter: Mapping[str, Any]) -> str:
    """Return an example of a parameter: its own, or one that its schema allows."""
    schema = parameter["schema"]
    examples = schema.get("examples") or schema.get("enum") or [_FORMATS.get(schema.get("format", ""))]
    value = parameter.get("example") or _NAMES.get(parameter["name"]) or examples[0] or schema.get("minimum", "1")
    return str(value)


def _curl(request: _Request) -> str:
    address = request.path + (f"?{urlencode(request.query)}" if request.query else "")
    lines = [f'curl "$CLEARLINE_URL{address}"', _KEY_HEADER]
    if request.method != "GET":
        lines[0] = f'curl -X {request.method} "$CLEARLINE_URL{address}"'
    before = ""
    if request.needs_etag:
        lines.append('-H "If-Match: $(cat etag)"' if request.has_etag else "-H 'If-Match: *'")
        if request.has_etag:
            before = f'curl -s -o /dev/null --etag-save etag "$CLEARLINE_URL{request.path}" \\\n  {_KEY_HEADER}\n'
    if request.media is not None:
        lines.append(f'-H "Content-Type: {_media(request)}"')
        lines.append(
            f"--data-binary @{_FILES.get(request.media, _FILE)}"
            if request.body is None
            else "-d " + _quoted(as_json(request.body))
        )
    return before + " \\\n  ".join(lines)


def _media(request: _Request) -> str:
    return "text/plain" if request.media == "application/octet-stream" else str(request.media)


def _quoted(text: str) -> str:
    """Return a text as one word of a shell."""
    return "'" + text.replace("'", "'\\''") + "'"


def _python(request: _Request) -> str:
    name = request.method.lower()
    arguments = [json.dumps(request.path)]
    before = ""
    if request.query:
        arguments.append(f"params={as_python(dict(request.query), indent=4)}")
    headers = {}
    if request.needs_etag:
        if request.has_etag:
            before = f"before = api.get({arguments[0]}).raise_for_status()\n"
        headers["If-Match"] = "*"
    if request.body is not None:
        if request.media != "application/json":
            headers["Content-Type"] = _media(request)
        arguments.append(f"json={as_python(request.body, indent=4)}")
    elif request.media is not None:
        headers["Content-Type"] = _media(request)
        before += f'content = Path("{_FILES.get(request.media, _FILE)}").read_bytes()\n'
        arguments.append("content=content")
    if headers:
        text = as_python(headers, indent=4)
        arguments.append("headers=" + (text.replace('"*"', 'before.headers["ETag"]') if request.has_etag else text))
    call = f"api.{name}({', '.join(arguments)})"
    if len(call) > _WIDTH or "\n" in call:
        call = f"api.{name}(\n    " + ",\n    ".join(arguments) + ",\n)"
    show = "print(answer.json())" if request.is_json else "print(answer.text)" if request.has_answer else ""
    imports = _CLIENT.replace("import os\n", "import os\nfrom pathlib import Path\n") if "Path(" in before else _CLIENT
    return f"{imports}{before}answer = {call}\nanswer.raise_for_status()\n{show}".rstrip()
