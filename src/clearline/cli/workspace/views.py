"""Searches kept for use again. The operator has none of its own, and so names the person whose they are."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import click

from clearline.accounts import usecases as accounts
from clearline.cli.context import as_json, emit, limit_option, table, within
from clearline.clock import now
from clearline.identity import OPERATOR, User
from clearline.platform.database.transactions import Tx
from clearline.workspace import view_usecases as views
from clearline.workspace.domain import SavedView


def _person(command: Callable[..., None]) -> Callable[..., None]:
    """The options that say whose views are meant."""
    command = click.option("--user", "email", required=True, metavar="EMAIL", help="Whose views.")(command)
    return click.option(
        "--company", default="PROVIDER", metavar="NAME", help="The user's company, by name or code; else the provider."
    )(command)


async def _user(tx: Tx, company: str, email: str) -> User:
    return await accounts.get_user(tx, OPERATOR, company, email)


@click.group()
def view() -> None:
    """Searches kept for use again."""


@view.command("add")
@click.argument("name")
@click.argument("query")
@_person
@click.option("--shared", is_flag=True, help="Everybody of the company sees it.")
@as_json
def view_add(name: str, query: str, company: str, email: str, *, shared: bool, as_json: bool) -> None:
    """Keep a search for somebody, or for everybody of a company."""

    async def work(tx: Tx) -> SavedView:
        of = await _user(tx, company, email)
        return await views.add_view(tx, OPERATOR, name, query, is_shared=shared, of=of, now=now())

    made = within(work)
    emit(_described(made)) if as_json else click.echo(f"View {made.name} kept as {made.id}.")


@view.command("list")
@_person
@limit_option
@as_json
def view_list(company: str, email: str, limit: int, *, as_json: bool) -> None:
    """Somebody's views and those that its company shares, by name."""

    async def work(tx: Tx) -> list[SavedView]:
        return await views.list_views(tx, OPERATOR, of=await _user(tx, company, email), after=None, limit=limit)

    found = within(work)
    if as_json:
        emit([_described(one) for one in found])
        return
    rows = [(one.id, one.name, "shared" if one.is_shared else "own", one.query) for one in found]
    table(("ID", "NAME", "WHOSE", "QUERY"), rows)


@view.command("change")
@click.argument("view_id", metavar="ID", type=click.UUID)
@_person
@click.option("--name", help="What to call it from now on.")
@click.option("--query", help="The search.")
@click.option("--shared/--own", default=None, help="Who sees it.")
@as_json
def view_change(
    view_id: UUID, company: str, email: str, *, name: str | None, query: str | None, shared: bool | None, as_json: bool
) -> None:
    """Change a view: what is not named stays."""
    given: dict[str, Any] = {"name": name, "query": query, "is_shared": shared}
    values = {field: value for field, value in given.items() if value is not None}

    async def work(tx: Tx) -> SavedView:
        of = await _user(tx, company, email)
        return await views.change_view(tx, OPERATOR, view_id, values, of=of, now=now())

    changed = within(work)
    emit(_described(changed)) if as_json else click.echo(f"View {changed.name} is as you said.")


@view.command("delete")
@click.argument("view_id", metavar="ID", type=click.UUID)
@_person
@as_json
def view_delete(view_id: UUID, company: str, email: str, *, as_json: bool) -> None:
    """Forget a view."""

    async def work(tx: Tx) -> None:
        await views.delete_view(tx, OPERATOR, view_id, of=await _user(tx, company, email), now=now())

    within(work)
    emit({"id": view_id, "deleted": True}) if as_json else click.echo(f"View {view_id} deleted.")


def _described(one: SavedView) -> dict[str, object]:
    return {
        "id": one.id,
        "name": one.name,
        "query": one.query,
        "shared": one.is_shared,
        "ownerId": one.user_id,
        "createdAt": one.created_at,
    }
