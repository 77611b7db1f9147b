"""Commands for the terms of the provider's lists."""

from collections.abc import Callable
from typing import Any

import click

from clearline.catalogue import term_usecases as terms
from clearline.catalogue.term_domain import SUB_STATUS_OF, Term, TermKind
from clearline.cli.context import transact
from clearline.cli.output import json_option, limit_option, show, show_list
from clearline.cli.terminal.changes import change_text
from clearline.clock import now
from clearline.identity import OPERATOR
from clearline.platform.database.transactions import Tx
from clearline.wires.house.catalogue.term_wire import term_out

_kind = click.argument("kind", type=click.Choice([kind.value for kind in TermKind]))


def _value_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that set what a term says and is for."""
    for option in (
        click.option("--position", type=int, help="Place in the list; by default the last."),
        click.option(
            "--customer-time/--no-customer-time",
            "is_customer_time",
            default=None,
            help="Whether the time that a ticket waits for this reason counts as the customer's.",
        ),
        click.option(
            "--status",
            "statuses",
            type=click.Choice(SUB_STATUS_OF),
            multiple=True,
            help="Status of a sub-status, or of a reason to wait (pending, held or both).",
        ),
        click.option("--help-text", "help_text", help="Help below the label in forms."),
        click.option("--customer-label-de", help="What customers read in German."),
        click.option("--customer-label", help="What customers read; nothing without it."),
    ):
        command = option(command)
    return command


def _values(options: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a term that the options set."""
    values = {name: value for name, value in options.items() if value is not None and value != ()}
    if "help_text" in values:
        values["help"] = values.pop("help_text")
    return values


@click.group()
def term() -> None:
    """Manage the lists: why tickets wait, sub-statuses, causes, actions, responsibilities."""


@term.command("list")
@click.option("--kind", type=click.Choice([kind.value for kind in TermKind]), help="Only the terms of this list.")
@limit_option
@json_option
def term_list(kind: str | None, limit: int, *, as_json: bool) -> None:
    """List the terms of one list or of all, in their order."""
    chosen = None if kind is None else TermKind(kind)
    show_list(
        transact(lambda tx: terms.list_terms(tx, OPERATOR, chosen, limit=limit + 1)),
        term_out,
        ("LIST", "KEY", "LABEL", "FOR CUSTOMERS", "STATUSES", "ACTIVE"),
        lambda term: (
            term.kind,
            term.key,
            term.label,
            term.customer_label or None,
            " ".join(term.statuses) or None,
            "yes" if term.is_active else "no",
        ),
        noun="terms",
        as_json=as_json,
        limit=limit,
    )


@term.command("add")
@_kind
@click.argument("key")
@click.argument("label")
@_value_options
@json_option
def term_add(kind: str, key: str, label: str, *, as_json: bool, **options: Any) -> None:
    """Add a term to a list. Its key never changes: tickets keep it."""
    values = {"kind": TermKind(kind), "key": key, "label": label, **_values(options)}
    added = transact(lambda tx: terms.add_term(tx, OPERATOR, values, now=now()))
    show(term_out(added), f"Term {added.key} added to {added.kind}.", as_json=as_json)


@term.command("change")
@_kind
@click.argument("key")
@click.option("--label", help="New label.")
@click.option("--active/--retired", "is_active", default=None, help="Whether it is offered; tickets keep it.")
@_value_options
@json_option
def term_change(kind: str, key: str, *, as_json: bool, **options: Any) -> None:
    """Change or retire a term. Options that are not given change nothing."""

    async def work(tx: Tx) -> tuple[Term, Term]:
        term = await terms.term_named(tx, OPERATOR, TermKind(kind), key)
        return term, await terms.change_term(tx, OPERATOR, term.id, _values(options), now=now())

    before, after = map(term_out, transact(work))
    show(after, change_text(f"Term {after.key}", before, after), as_json=as_json)
