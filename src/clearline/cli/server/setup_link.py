"""The link of the set-up, with which the first admin of a fresh installation begins."""

import click

from clearline.cli.context import current_settings, transact
from clearline.clock import now
from clearline.platform.database.transactions import Database, Tx
from clearline.settings.settings import Settings
from clearline.sign_in import set_up_usecases as set_up
from clearline.sign_in.link_domain import LinkKind, path_of


@click.command("setup-link")
def setup_link() -> None:
    """Print a new link of the set-up of a fresh installation. It works once, for a day; an earlier one ends."""

    async def work(tx: Tx) -> str:
        return await set_up.create_set_up_link(tx, now=now())

    click.echo(set_up_url(current_settings(), transact(work)))


def set_up_url(settings: Settings, token: str) -> str:
    """Return the address of the page of the set-up."""
    return settings.page_url(path_of(token, LinkKind.SET_UP))


async def new_token_if_open(database: Database) -> str | None:
    """Return the token of a new link if the set-up is open, or None."""
    async with database.transaction() as tx:
        return await set_up.create_set_up_link(tx, now=now()) if await set_up.is_open(tx) else None
