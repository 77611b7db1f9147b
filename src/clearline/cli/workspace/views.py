"""Commands for saved views. The operator has none of its own, and so names the user that owns them."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import click

from clearline.accounts import usecases as accounts
from clearline.cli.context import transact
from clearline.cli.output import json_option, limit_option, show, show_done, show_list
from clearline.cli.parameters.ids import ID, resolve_among
from clearline.cli.parameters.orders import ColumnName, Sort
from clearline.cli.terminal.changes import change_text
from clearline.cli.terminal.questions import confirm, yes_option
from clearline.clock import now
from clearline.identity import OPERATOR, User
from clearline.platform.database.transactions import Tx
from clearline.wires.house.workspace.mapping import view_out
from clearline.workspace import view_usecases as views
from clearline.workspace.column_domain import in_order
from clearline.workspace.domain import SavedView

_NONE = "none"
_MOST = 10_000
"""The most views that are looked through for the beginning of an id."""


def _user_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that name the owner of the views."""
    command = click.option("--user", "email", required=True, metavar="EMAIL", help="Owner of the views.")(command)
    return click.option(
        "--company", default="PROVIDER", show_default=True, metavar="NAME", help="Name or code of the owner's company."
    )(command)


async def _user(tx: Tx, company: str, email: str) -> User:
    return await accounts.get_user(tx, OPERATOR, company, email)


@click.group()
def view() -> None:
    """Manage saved views: named searches."""


@view.command("add")
@click.argument("name")
@click.argument("query")
@_user_options
@click.option("--sort", type=Sort(), help="Order of its tickets; a minus reverses it. field.KEY is an own field.")
@click.option(
    "--column",
    "columns",
    multiple=True,
    type=ColumnName(),
    help="Column beside the title, field.KEY for an own field; repeat for several.",
)
@click.option("--shared", is_flag=True, help="Show the view to everybody of the company.")
@json_option
def view_add(
    name: str,
    query: str,
    company: str,
    email: str,
    *,
    sort: str | None,
    columns: tuple[str, ...],
    shared: bool,
    as_json: bool,
) -> None:
    """Save a search for a user, or for everybody of a company."""

    async def work(tx: Tx) -> SavedView:
        user = await _user(tx, company, email)
        return await views.add_view(
            tx,
            OPERATOR,
            name,
            query,
            sort=sort,
            columns=in_order(columns) or None,
            is_shared=shared,
            of=user,
            now=now(),
        )

    added = transact(work)
    show(view_out(added), f"View {added.name} added with id {added.id}.", as_json=as_json)


@view.command("list")
@_user_options
@limit_option
@json_option
def view_list(company: str, email: str, limit: int, *, as_json: bool) -> None:
    """List the views of a user and the shared ones of its company, by name."""

    async def work(tx: Tx) -> list[SavedView]:
        return await views.list_views(tx, OPERATOR, of=await _user(tx, company, email), after=None, limit=limit + 1)

    show_list(
        transact(work),
        view_out,
        ("ID", "NAME", "SHARED", "SORT", "QUERY"),
        lambda view: (view.id, view.name, view.is_shared, view.sort, view.query),
        noun="views",
        as_json=as_json,
        limit=limit,
    )


@view.command("change")
@click.argument("view_id", metavar="ID", type=ID)
@_user_options
@click.option("--name", help="New name.")
@click.option("--query", help="New search.")
@click.option(
    "--sort",
    type=Sort(_NONE),
    help="New order of its tickets; none leaves it to whoever shows the view.",
)
@click.option(
    "--column",
    "columns",
    multiple=True,
    type=ColumnName(_NONE),
    help="Column beside the title, instead of all before; repeat for several. none restores the default columns.",
)
@click.option("--shared/--own", default=None, help="Show the view to everybody of the company, or to its owner only.")
@json_option
def view_change(
    view_id: str,
    company: str,
    email: str,
    *,
    sort: str | None,
    columns: tuple[str, ...],
    shared: bool | None,
    as_json: bool,
    **texts: str | None,
) -> None:
    """Change a view. Options that are not given change nothing."""
    options: dict[str, Any] = {**texts, "is_shared": shared, "sort": sort}
    values = {field: value for field, value in options.items() if value is not None}
    if sort == _NONE:
        values["sort"] = None
    if columns:
        values["columns"] = None if _NONE in columns else in_order(columns)

    async def work(tx: Tx) -> tuple[SavedView, SavedView]:
        user = await _user(tx, company, email)
        known = await _id(tx, view_id, user)
        before = await views.get_view(tx, OPERATOR, known, of=user)
        return before, await views.change_view(tx, OPERATOR, known, values, of=user, now=now())

    before, after = map(view_out, transact(work))
    show(after, change_text(f"View {after.name}", before, after), as_json=as_json)


@view.command("delete")
@click.argument("view_id", metavar="ID", type=ID)
@_user_options
@yes_option
@json_option
def view_delete(view_id: str, company: str, email: str, *, yes: bool, as_json: bool) -> None:
    """Delete a view."""
    confirm(f"Delete view {view_id} of {email}?", yes=yes)

    async def work(tx: Tx) -> UUID:
        user = await _user(tx, company, email)
        known = await _id(tx, view_id, user)
        await views.delete_view(tx, OPERATOR, known, of=user, now=now())
        return known

    deleted = transact(work)
    show_done(f"View {deleted} deleted.", as_json=as_json)


async def _id(tx: Tx, text: str, user: User) -> UUID:
    async def ids() -> list[UUID]:
        return [view.id for view in await views.list_views(tx, OPERATOR, of=user, after=None, limit=_MOST)]

    return await resolve_among(text, "view", ids)
