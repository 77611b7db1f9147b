"""Commands for ticket templates."""

from collections.abc import Callable
from functools import partial
from typing import Any

import click

from clearline.catalogue.assessment import Priority
from clearline.catalogue.usecases import service_keys
from clearline.cli.context import transact
from clearline.cli.fields.values import field_option, given_fields
from clearline.cli.output import json_option, limit_option, show, show_done, show_list
from clearline.cli.terminal.changes import change_text
from clearline.cli.terminal.questions import confirm, yes_option
from clearline.clock import now
from clearline.identity import OPERATOR
from clearline.platform.database.transactions import Tx
from clearline.queues import usecases as queues
from clearline.wires.house.workspace.mapping import template_out
from clearline.workspace.templates import usecases as templates
from clearline.workspace.templates.domain import ShownTemplate

_NONE = "none"
_company_option = click.option(
    "--company", metavar="NAME", help="Name or code of the company whose template it is; without, the provider's."
)


def _value_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that set what a ticket begins with."""
    for option in (
        click.option("--tag", "tags", multiple=True, help="Tag of the ticket; repeat for several."),
        click.option("--queue", metavar="NAME", help="Queue of the ticket; none for the one that routing chooses."),
        field_option,
        click.option("--service", metavar="ID", help="Service of the company; none for no service."),
        click.option(
            "--priority",
            type=click.Choice([*(priority.value for priority in Priority), _NONE]),
            help="Priority that is asked for; none for the one of the issue type.",
        ),
        click.option("--issue", metavar="KEY", help="Key of an issue type; none for no type."),
        click.option(
            "--service-type", metavar="TYPE", help="Only for services of this type, a key or name; none for any type."
        ),
        click.option("--description", help="Description of the ticket."),
        click.option("--title", help="Title of the ticket."),
    ):
        command = option(command)
    return command


@click.group()
def template() -> None:
    """Manage ticket templates: saved beginnings of tickets."""


async def _values(tx: Tx, options: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a template that the options set."""
    values: dict[str, Any] = {name: options[name] for name in ("title", "description") if options[name] is not None}
    values |= given_fields(options["fields"])
    for name, field in (("issue", "issue_type"), ("service", "service_id")):
        if (value := options[name]) is not None:
            values[field] = None if value == _NONE else value
    if (kind := options["service_type"]) is not None:
        values["service_type"] = None if kind == _NONE else (await service_keys(tx, [kind], "--service-type"))[0]
    if (priority := options["priority"]) is not None:
        values["priority"] = None if priority == _NONE else Priority(priority)
    if (queue := options["queue"]) is not None:
        values["queue_id"] = None if queue == _NONE else (await queues.queue_named(tx, OPERATOR, queue)).id
    if options["tags"]:
        values["tags"] = options["tags"]
    return values


@template.command("add")
@click.argument("name")
@_company_option
@_value_options
@json_option
def template_add(name: str, company: str | None, *, as_json: bool, **options: Any) -> None:
    """Add a ticket template."""

    async def work(tx: Tx) -> ShownTemplate:
        values = {"name": name, **await _values(tx, options)}
        return await templates.add_template(tx, OPERATOR, values, company=company, now=now())

    added = transact(work)
    show(template_out(added, OPERATOR), f"Ticket template {added.name} added.", as_json=as_json)


def _type(template: ShownTemplate, name: str) -> str | None:
    """Return a type that a template has, and whether it is retired."""
    key: str | None = getattr(template, name)
    return f"{key} (retired)" if name in template.retired else key


@template.command("list")
@_company_option
@click.option(
    "--service-type", metavar="TYPE", help="Those with which a ticket about a service of this type can begin."
)
@limit_option
@json_option
def template_list(company: str | None, service_type: str | None, limit: int, *, as_json: bool) -> None:
    """List ticket templates by name."""
    read = partial(templates.list_templates, company=company, service_type=service_type, limit=limit + 1)
    show_list(
        transact(lambda tx: read(tx, OPERATOR)),
        lambda each: template_out(each, OPERATOR),
        ("NAME", "ISSUE", "SERVICE TYPE", "PRIORITY", "TITLE"),
        lambda each: (
            each.name,
            _type(each, "issue_type"),
            _type(each, "service_type"),
            each.priority,
            each.title[:60] or None,
        ),
        noun="ticket templates",
        as_json=as_json,
        limit=limit,
    )


@template.command("change")
@click.argument("name")
@click.option("--name", "new_name", help="New name.")
@_company_option
@_value_options
@json_option
def template_change(name: str, new_name: str | None, company: str | None, *, as_json: bool, **options: Any) -> None:
    """Change a ticket template."""

    async def work(tx: Tx) -> tuple[ShownTemplate, ShownTemplate]:
        before = await templates.template_named(tx, OPERATOR, name, company=company)
        values = await _values(tx, options) | ({} if new_name is None else {"name": new_name})
        if not values:
            raise click.UsageError("give at least one option")
        return before, await templates.change_template(tx, OPERATOR, before.id, values, now=now())

    before, after = (template_out(each, OPERATOR) for each in transact(work))
    show(after, change_text(f"Ticket template {after.name}", before, after), as_json=as_json)


@template.command("delete")
@click.argument("name")
@_company_option
@yes_option
@json_option
def template_delete(name: str, company: str | None, *, yes: bool, as_json: bool) -> None:
    """Delete a ticket template. Tickets that were begun with it stay."""
    confirm(f"Delete ticket template {name}?", yes=yes)

    async def work(tx: Tx) -> str:
        found = await templates.template_named(tx, OPERATOR, name, company=company)
        await templates.delete_template(tx, OPERATOR, found.id, now=now())
        return found.name

    deleted = transact(work)
    show_done(f"Ticket template {deleted} deleted.", as_json=as_json)
