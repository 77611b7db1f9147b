"""Writes the reference pages that are made from the code: ``python docs/generate.py``.

``tests/docs/test_reference.py`` fails when a page differs from what this makes.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import event_pages
import limit_pages
import mail_pages
import metrics_pages
import msgspec
from markup import filled, page, table

from clearline import errors as refusals
from clearline.catalogue.published import IssueType, ServiceType
from clearline.cli.exit_status import FAULT_FOUND, INTERRUPTED, REFUSED, UNAVAILABLE
from clearline.cli.main import main as cli
from clearline.platform.database.errors import DatabaseUnavailable
from clearline.settings.docs import SettingDoc, documented, documented_retentions
from clearline.settings.settings import Settings
from clearline.tickets.domain import Status
from clearline.tickets.status_domain import CUSTOMER_TRANSITIONS, OPEN, TRANSITIONS
from clearline.web.docs.shapes import shape
from clearline.wires.console_connect import errors, wire
from clearline.wires.console_connect.reference import openapi
from clearline.wires.house import reference as house_reference
from clearline.wires.house.errors import CATALOGUE, RULES
from clearline.wires.http.body import BODY_MAX, DEPTH_MAX, BadRequest, BodyTooLarge, NotJson
from clearline.wires.http.limits import TooManyRequests
from clearline.wires.http.resource import MethodNotAllowed

REFERENCE = Path(__file__).parent / "reference"
_WIDTH = 110


def pages() -> dict[Path, str]:
    """Every generated page with its text."""
    return {
        REFERENCE / "settings.md": page("Settings", _settings()),
        REFERENCE / "console-connect-v2.md": page("Console Connect API v2, support tickets", _console_connect()),
        REFERENCE / "house-api.md": page("House API v1", _house()),
        REFERENCE / "problems.md": page("Problems of the house API", _problems()),
        REFERENCE / "events.md": page("Events", event_pages.events()),
        REFERENCE / "metrics.md": filled(REFERENCE / "metrics.md", {"metrics": metrics_pages.metrics()}),
        REFERENCE / "limits.md": page("Limits", limit_pages.limits()),
        REFERENCE / "cli.md": page("The command line", _cli()),
        REFERENCE / "wires.md": page("What a wire shows", _wires()),
        REFERENCE / "notifications.md": filled(
            REFERENCE / "notifications.md",
            {"kinds": event_pages.notification_kinds(), "rules": event_pages.notification_rules()},
        ),
        REFERENCE / "mail-templates.md": filled(REFERENCE / "mail-templates.md", {"kinds": mail_pages.kinds()}),
        REFERENCE / "retention.md": filled(REFERENCE / "retention.md", {"retentions": _retentions()}),
        REFERENCE / "webhooks.md": filled(REFERENCE / "webhooks.md", {"schedule": event_pages.retry_schedule()}),
    }


def _retentions() -> Iterator[str]:
    yield from table(
        ("data", "kept for", "after", "then", "setting"),
        [
            (one.data, _days(one.days), one.since, one.afterwards, f"`{one.variable}`")
            for one in documented_retentions()
        ],
    )


def _days(count: int) -> str:
    return f"{count} day{'s' if count > 1 else ''}" if count else "good"


def _settings() -> Iterator[str]:
    yield "All settings are environment variables. An empty value counts as not set. An unknown `CLEARLINE_` variable"
    yield "or an invalid value stops the command with exit status 4 and a line that says why."
    yield ""
    settings = documented()
    yield from _settings_table([one for one in settings if not one.is_retention])
    yield "## Retention"
    yield ""
    yield "How long data is kept; [the page about it](retention.md) says what each setting does to the size of a desk."
    yield ""
    yield from _settings_table([one for one in settings if one.is_retention])


def _settings_table(settings: list[SettingDoc]) -> Iterator[str]:
    yield from table(
        ("variable", "default", "meaning"), [(f"`{one.variable}`", one.default, one.about) for one in settings]
    )


def _console_connect() -> Iterator[str]:
    described = openapi(Settings())
    yield described["info"]["description"]
    yield ""
    yield "Each address also answers under `/api`, such as `/api/v2/support-tickets`. Send your key in the header"
    yield "`Authorization: Bearer <key>`. A running server has the same reference at"
    yield "`/docs/console-connect` and `/openapi.json`. See also [what a wire shows](wires.md)."
    yield ""
    yield from _document(described)
    yield from _limits()


def _document(described: dict[str, Any]) -> Iterator[str]:
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            yield from _operation(f"{method.upper()} {path}", operation)
    yield "## Bodies"
    yield ""
    for name, schema in described["components"]["schemas"].items():
        yield from _schema(name, schema)


def _house() -> Iterator[str]:
    described = house_reference.openapi(Settings())
    yield described["info"]["description"]
    yield ""
    yield "Send your key in the header `Authorization: Bearer <key>`. A running server has the same reference at"
    yield "`/docs/api` and `/api/v1/openapi.json`. See also [its problems](problems.md), [events](events.md),"
    yield "[the language of searches](search.md) and [roles and scopes](../explanation/roles-and-scopes.md)."
    yield ""
    yield from _document(described)


def _problems() -> Iterator[str]:
    yield "Every refusal is `application/problem+json` (RFC 9457): `type`, `title`, `status`, `detail`, `code`,"
    yield "`request_id` and, where single values are wrong, `errors` with a JSON Pointer or a parameter's name each."
    yield "`type` is the address of a page that a running server shows; `code` may say more than the type does."
    yield ""
    yield from table(
        ("type", "status", "title", "what to do"),
        [(f"`{kind.code}`", str(kind.status), kind.title, kind.about) for kind in CATALOGUE.values()],
    )
    yield "## Codes of single values"
    yield ""
    yield "An item of `errors` has a `code` of its own, for programs; `detail` says the rule for people."
    yield ""
    yield from table(("code", "meaning"), [(f"`{code}`", about) for code, about in RULES.items()])


def _operation(address: str, operation: dict[str, Any]) -> Iterator[str]:
    yield f"## {operation['summary']}: `{address}`"
    yield ""
    yield operation["description"]
    yield ""
    if body := operation.get("requestBody"):
        kinds = [f"{_schema_link(one['schema'])} as `{media}`" for media, one in body["content"].items()]
        yield f"Body: {', or '.join(kinds)}."
        yield ""
    if parameters := operation["parameters"]:
        yield from table(("parameter", "in", "value", "meaning"), map(_parameter, parameters))
    statuses = []
    for status, response in sorted(operation["responses"].items()):
        bodies = [_schema_link(one["schema"]) for one in response.get("content", {}).values()]
        statuses.append((status, response["description"], bodies[0] if bodies else "no body"))
    yield from table(("status", "when", "body"), statuses)


def _parameter(parameter: dict[str, Any]) -> tuple[str, str, str, str]:
    schema = parameter["schema"]
    value = shape(schema)
    if "default" in schema:
        value += f"; {schema['default']} unless given"
    name = f"`{parameter['name']}`" + (", required" if parameter["required"] else "")
    return name, parameter["in"], value, parameter.get("description", "")


def _schema_link(schema: dict[str, Any]) -> str:
    match schema:
        case {"type": "array", "items": items}:
            return f"list of {_schema_link(items)}"
        case {"$ref": _}:
            name = shape(schema)
            return f"[{name}](#{name.lower()})"
    return shape(schema)


def _schema(name: str, schema: dict[str, Any]) -> Iterator[str]:
    yield f"### {name}"
    yield ""
    if about := schema.get("description"):
        yield about.replace("``", "`")
        yield ""
    if "properties" not in schema:
        yield shape(schema)
        yield ""
        return
    required = schema.get("required", ())
    yield from table(
        ("member", "value", "required"),
        [
            (f"`{member}`", _value(one), "yes" if member in required else "no")
            for member, one in schema["properties"].items()
        ],
    )


def _value(schema: dict[str, Any]) -> str:
    match schema:
        case {"anyOf": choices}:
            return " or ".join(_value(choice) for choice in choices if choice != {"type": "null"})
        case {"type": "array", "items": items}:
            return f"list of {_value(items)}"
        case {"$ref": _}:
            return _schema_link(schema)
    return shape(schema)


def _limits() -> Iterator[str]:
    yield "## Limits"
    yield ""
    rate = next(one for one in documented() if one.variable == "CLEARLINE_RATE_LIMIT")
    ticket = openapi(Settings())["components"]["schemas"]["TicketIn"]["properties"]
    note = openapi(Settings())["components"]["schemas"]["NoteIn"]["properties"]["noteText"]
    yield from table(
        ("what", "limit"),
        [
            ("a body", f"{BODY_MAX} bytes (1 MiB)"),
            ("objects and arrays within each other", str(DEPTH_MAX)),
            ("`name` of a ticket", f"{ticket['name']['maxLength']} characters"),
            ("`description` of a ticket", f"{ticket['description']['maxLength']} characters"),
            ("`noteText`", f"{note['maxLength']} characters"),
            (
                "notes of a ticket",
                f"{Settings().ticket_notes_max} or as [set](settings.md), and as many of the provider; all are shown",
            ),
            ("`pageSize`", str(wire.PAGE_SIZE_MAX)),
            ("`page`", str(wire.PAGE_MAX)),
            ("an `Idempotency-Key` is remembered for", f"{Settings().keep_idempotency_keys_days * 24} hours"),
            ("requests a minute of one key", f"{rate.default} in each server process, see [settings](settings.md)"),
            ("requests a minute of one company", "five times as many"),
        ],
    )
    yield "Lengths are in Unicode code points."


def _cli() -> Iterator[str]:
    yield "The commands use the same [settings](settings.md) as the server. With `--json` a command prints the body"
    yield "that the [house API](house-api.md) answers for the same thing: of a list its `data`, of a deletion nothing."
    yield ""
    yield "## Exit status"
    yield ""
    yield from table(
        ("status", "meaning"),
        [
            ("0", "Done."),
            (str(REFUSED), "Refused; nothing was changed, or of many items only those that were not refused."),
            ("2", "Wrong usage."),
            (
                str(FAULT_FOUND),
                "A check found something wrong (`clearline doctor`, `verify-backup`, `restore`, `attachment get`).",
            ),
            (str(UNAVAILABLE), "The database cannot be used, a setting is wrong, or the server cannot start."),
            (str(INTERRUPTED), "Ctrl-C. What was not committed is undone, and the job of the command is cancelled."),
        ],
    )
    yield from _commands(cli, "clearline")


def _commands(group: click.Group, path: str) -> Iterator[str]:
    context = click.Context(group)
    for name in sorted(group.list_commands(context)):
        command = group.get_command(context, name)
        if command is None:
            continue
        if isinstance(command, click.Group):
            yield from _commands(command, f"{path} {name}")
        else:
            yield from _command(command, f"{path} {name}")


def _command(command: click.Command, path: str) -> Iterator[str]:
    context = click.Context(command, info_name=path, terminal_width=_WIDTH, max_content_width=_WIDTH)
    yield f"## {path}"
    yield ""
    yield "```"
    yield command.get_usage(context).removeprefix("Usage: ")
    yield "```"
    yield ""
    for paragraph in (command.help or "").split("\n\n"):
        yield " ".join(paragraph.split())
        yield ""
    options = [parameter for parameter in command.params if isinstance(parameter, click.Option)]
    records = [record for option in options if (record := option.get_help_record(context))]
    if records:
        yield from table(("option", "meaning"), [(f"`{option}`", about) for option, about in records])


def _wires() -> Iterator[str]:
    yield "Clearline keeps one ticket and shows it on each wire in that wire's words. The house API shows the words"
    yield "below as they are."
    yield ""
    yield "## Status"
    yield ""
    yield from table(
        ("status", "Console Connect", "in the list", "may become", "by the customer"),
        [
            (
                f"`{status}`",
                wire.STATUS[status],
                "`open`" if status in OPEN else "`closed`",
                ", ".join(f"`{move}`" for move in Status if move in TRANSITIONS[status]) or "nothing: it is the end",
                ", ".join(f"`{move}`" for move in sorted(CUSTOMER_TRANSITIONS.get(status, ()))),
            )
            for status in Status
        ],
    )
    yield "## Issue type"
    yield ""
    yield "The issue types are the provider's own, see [manage the catalogue](../how-to/manage-the-catalogue.md), and"
    yield "each rates a new ticket. Console Connect shows the word of a type, one of those below (`Others` by default),"
    yield "and the priority, but neither the severity nor the impact."
    yield ""
    yield from (f"- `{word}`" for word in IssueType)
    yield ""
    yield "## Service type"
    yield ""
    yield "So are the service types. Their words are those below (`Non-Console Service` by default)."
    yield ""
    yield from (f"- `{word}`" for word in ServiceType)
    yield ""
    yield from _errors()


def _errors() -> Iterator[str]:
    yield "## Errors of Console Connect"
    yield ""
    yield 'The body is always `{"error": {"statusCode": ..., "name": "Error", "message": "..."}}`. The wire has no 403'
    yield "and no 422: a missing scope is 401, and an `Idempotency-Key` that came before with another body is 400."
    yield "Another company's ticket is answered like one that does not exist."
    yield ""
    number = "INC000000000042"
    cases: list[tuple[str, Exception]] = [
        ("The id is no ticket number", errors.InvalidTicketId("INC42")),
        ("The note text is missing, blank or too long", errors.InvalidNote()),
        (
            "A member or parameter breaks a rule; all are named",
            refusals.InvalidInput([refusals.Violation("title", "is required")]),
        ),
        ("The body cannot be read", BadRequest("the body must be a JSON object")),
        ("The ticket is finished and accepts no notes", refusals.TicketFinished(Status.CLOSED)),
        ("The Idempotency-Key came with another body", refusals.IdempotencyKeyReused()),
        ("No valid key", refusals.Unauthenticated()),
        ("The key lacks the scope", refusals.ScopeMissing("tickets:write")),
        ("No such ticket for this key", refusals.NotFound("ticket", number)),
        ("No such address", errors.NoSuchAddress()),
        ("The method is not one of the resource", MethodNotAllowed(["GET", "HEAD", "POST"])),
        ("The first request with this Idempotency-Key is still running", refusals.IdempotencyKeyBusy()),
        ("The body is too long", BodyTooLarge()),
        ("The Content-Type is not JSON", NotJson()),
        ("The key made too many requests", TooManyRequests(3)),
        ("Internal error", RuntimeError()),
        ("The database is unavailable", DatabaseUnavailable()),
    ]
    yield from table(("status", "when", "example of the message"), [_refusal(when, error) for when, error in cases])


def _refusal(when: str, error: Exception) -> tuple[str, str, str]:
    answer = errors.refuse(error, "6f1c0a9e2b7d4c3f8a5e1d02")
    message = _message(answer.body)
    return str(answer.status), when, message


def _message(body: bytes) -> str:
    """Return the message in the body of an error."""
    return msgspec.json.decode(body, type=wire.ErrorOut).error.message


def main() -> None:
    """Write every page."""
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
        print(path)


if __name__ == "__main__":
    main()
