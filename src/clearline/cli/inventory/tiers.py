"""Commands for tiers."""

import click

from clearline.accounts.tiers import usecases as tiers
from clearline.accounts.tiers.domain import Tier
from clearline.cli.accounts.options import changed_values
from clearline.cli.context import transact
from clearline.cli.output import json_option, show, show_list
from clearline.cli.terminal.changes import change_text
from clearline.clock import now
from clearline.identity import OPERATOR
from clearline.platform.database.transactions import Tx
from clearline.wires.house.accounts.mapping import tier_out


@click.group()
def tier() -> None:
    """Manage the tiers of companies and services, such as gold and silver."""


@tier.command("list")
@json_option
def tier_list(*, as_json: bool) -> None:
    """List the tiers by position."""
    show_list(
        transact(lambda tx: tiers.list_tiers(tx, OPERATOR)),
        tier_out,
        ("POSITION", "KEY", "LABEL", "ACTIVE"),
        lambda tier: (tier.position, tier.key, tier.label, tier.is_active),
        noun="tiers",
        as_json=as_json,
    )


@tier.command("add")
@click.argument("key")
@click.option("--label", required=True, help="Name that people use.")
@click.option("--help-text", default="", help="When to choose it.")
@click.option("--position", type=int, help="Place in the list; the last by default.")
@json_option
def tier_add(key: str, label: str, help_text: str, position: int | None, *, as_json: bool) -> None:
    """Add a tier. Its KEY never changes."""

    async def work(tx: Tx) -> Tier:
        return await tiers.add_tier(tx, OPERATOR, key, label, help_text=help_text, position=position, now=now())

    added = transact(work)
    show(tier_out(added), f"Tier {added.key} ({added.label}) added.", as_json=as_json)


@tier.command("change")
@click.argument("key")
@click.option("--label", help="New name.")
@click.option("--help-text", help="When to choose it.")
@click.option("--position", type=int, help="Place in the list.")
@click.option("--active/--retired", "is_active", default=None, help="Whether it can be set.")
@json_option
def tier_change(
    key: str, label: str | None, help_text: str | None, position: int | None, *, is_active: bool | None, as_json: bool
) -> None:
    """Change or retire a tier. What has a retired tier keeps it."""
    values = changed_values(label=label, help_text=help_text, position=position, is_active=is_active)
    if "help_text" in values:
        values["help"] = values.pop("help_text")

    async def work(tx: Tx) -> tuple[Tier, Tier]:
        before = await tiers.lock_tier(tx, OPERATOR, key)
        return before, await tiers.change_tier(tx, OPERATOR, key, values, now=now())

    before, after = map(tier_out, transact(work))
    show(after, change_text(f"Tier {after.key} ({after.label})", before, after), as_json=as_json)
