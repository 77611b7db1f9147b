"""Commands for the forms in which tickets are raised."""

import click

from clearline.catalogue import usecases as catalogue
from clearline.cli.context import transact
from clearline.cli.output import json_option, print_json, print_table, show, show_done, show_list
from clearline.cli.terminal.changes import change_text
from clearline.cli.terminal.questions import confirm, yes_option
from clearline.cli.terminal.text import echo
from clearline.clock import now
from clearline.fields.domain import FieldAudience
from clearline.identity import OPERATOR
from clearline.platform.database.transactions import Tx
from clearline.tickets.forms import usecases as forms
from clearline.tickets.forms.domain import NO_ID, Form, in_words
from clearline.tickets.forms.wording import field_of
from clearline.wires.house.forms.mapping import form_out

_TYPE = click.argument("issue_type", metavar="TYPE")
_AUDIENCE = click.option(
    "--audience",
    type=click.Choice([audience.value for audience in FieldAudience]),
    default=FieldAudience.CUSTOMER.value,
    show_default=True,
    help="Who raises the ticket.",
)


@click.group()
def form() -> None:
    """Manage what tickets are asked for by their issue type."""


@form.command("list")
@json_option
def form_list(*, as_json: bool) -> None:
    """List the forms that were defined."""
    show_list(
        [form for form, _place in transact(lambda tx: forms.list_forms(tx, OPERATOR))],
        form_out,
        ("ISSUE TYPE", "AUDIENCE", "FIELDS", "WITH CONDITION"),
        lambda form: (
            form.issue_type,
            form.audience,
            len(form.fields),
            sum(field.when is not None for field in form.fields),
        ),
        noun="forms",
        as_json=as_json,
    )


@form.command("show")
@_TYPE
@_AUDIENCE
@json_option
def form_show(issue_type: str, audience: str, *, as_json: bool) -> None:
    """Show the form of the issue type TYPE (its key or name), field by field."""

    async def work(tx: Tx) -> Form:
        return await forms.get_form(tx, OPERATOR, await _key(tx, issue_type), FieldAudience(audience))

    shown = transact(work)
    if as_json:
        print_json(form_out(shown))
        return
    if shown.id == NO_ID:
        echo(f"{shown.name}: no form is defined, every field is asked for.", err=True)
    rows = [
        (field.name, "yes" if field.is_required else "no", in_words(field.when) if field.when else "always")
        for field in shown.fields
    ]
    print_table(("FIELD", "REQUIRED", "ASKED FOR"), rows)


@form.command("set")
@_TYPE
@_AUDIENCE
@click.option(
    "--field",
    "texts",
    multiple=True,
    required=True,
    metavar="FIELD[!][?OTHER[=VALUE|VALUE]]",
    help="Field of the form, in order; repeat for several. ! requires a value. After ? stands the field on which it "
    "depends, with the values of that; without values, any. Own fields are fields.KEY.",
)
@json_option
def form_set(issue_type: str, audience: str, texts: tuple[str, ...], *, as_json: bool) -> None:
    """Define the form of the issue type TYPE, field by field, in the place of the one that there is."""
    fields = [field_of(text) for text in texts]

    async def work(tx: Tx) -> tuple[Form, Form]:
        named = (await _key(tx, issue_type), FieldAudience(audience))
        before = await forms.get_form(tx, OPERATOR, *named)
        return before, await forms.set_form(tx, OPERATOR, *named, fields, now=now())

    before, after = transact(work)
    text = f"Form {after.name} defined."
    if before.id != NO_ID:
        text = change_text(f"Form {after.name}", form_out(before), form_out(after))
    show(form_out(after), text, as_json=as_json)


@form.command("delete")
@_TYPE
@_AUDIENCE
@yes_option
@json_option
def form_delete(issue_type: str, audience: str, *, yes: bool, as_json: bool) -> None:
    """Delete the form of the issue type TYPE: every field is asked for again."""
    confirm(f"Delete the form of {issue_type} for {audience}?", yes=yes)

    async def work(tx: Tx) -> Form:
        key = await _key(tx, issue_type)
        return await forms.delete_form(tx, OPERATOR, key, FieldAudience(audience), now=now())

    deleted = transact(work)
    show_done(f"Form {deleted.name} deleted.", as_json=as_json)


async def _key(tx: Tx, issue_type: str) -> str:
    [key] = await catalogue.issue_keys(tx, [issue_type])
    return key
