"""Commands for companies."""

from collections.abc import Callable, Sequence
from typing import Any

import click

from clearline.accounts import usecases as accounts
from clearline.accounts.domain import CompanyDetails, NoticeAddresses
from clearline.cli.accounts.options import changed_values, language_of, language_option, with_language
from clearline.cli.context import transact
from clearline.cli.fields.values import field_option, given_fields
from clearline.cli.lazy import LazyCommand, LazyGroup
from clearline.cli.output import json_option, print_json, print_members, show, show_list
from clearline.cli.terminal.changes import change_text
from clearline.clock import now
from clearline.companies import usecases as companies
from clearline.identity import OPERATOR
from clearline.platform.database.transactions import Tx
from clearline.wires.house.accounts.mapping import company_out

_COMMANDS = {
    "activate": LazyCommand("accounts.deactivation", "company_activate", "Activate a deactivated company."),
    "deactivate": LazyCommand("accounts.deactivation", "company_deactivate", "Deactivate a company."),
}


_SUBJECTS = click.Choice(NoticeAddresses.__struct_fields__)


def _parent_options(command: Callable[..., None]) -> Callable[..., None]:
    for option in (
        click.option("--parent", help="Name or code of the parent, such as a reseller; empty for none."),
        click.option(
            "--shares-with-parent/--keeps-from-parent",
            default=None,
            help="Whether the people of the parent see and raise its tickets.",
        ),
    ):
        command = option(command)
    return command


async def _parent(tx: Tx, name: str | None, shares: bool | None) -> dict[str, Any]:  # noqa: FBT001 - as the option
    """Return the parent and whether the company shares with it, as far as the options set them."""
    values: dict[str, Any] = {} if shares is None else {"shares_with_parent": shares}
    if name is not None:
        values["parent_id"] = (await accounts.find_company(tx, OPERATOR, name)).id if name else None
    return values


def _fact_options(command: Callable[..., None]) -> Callable[..., None]:
    for option in (
        click.option("--tier", help="Key of a tier; empty for none."),
        click.option(
            "--time-zone", help="IANA time zone, such as Europe/Amsterdam, until people set one; empty for UTC."
        ),
        click.option(
            "--notice-address",
            type=(_SUBJECTS, str),
            multiple=True,
            metavar="SUBJECT ADDRESS",
            help="Address for notices of a subject: incidents, maintenance or billing. Repeat it for several; an empty "
            "address clears the subject.",
        ),
    ):
        command = option(command)
    return command


def _facts(tier: str | None, time_zone: str | None, notice_addresses: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Return the facts that the options set."""
    facts: dict[str, Any] = {
        name: value or None for name, value in (("tier", tier), ("time_zone", time_zone)) if value is not None
    }
    if notice_addresses:
        lists: dict[str, list[str]] = {subject: [] for subject, _address in notice_addresses}
        for subject, address in notice_addresses:
            lists[subject] += [address] if address else []
        facts["notice_addresses"] = lists
    return facts


@click.group(cls=LazyGroup, lazy=_COMMANDS)
def company() -> None:
    """Manage customers, and the provider itself."""


@company.command("add")
@click.argument("name")
@click.option("--code", required=True, help="Customer number that tickets show, such as AAA111.")
@language_option
@_fact_options
@_parent_options
@field_option
@json_option
def company_add(
    name: str,
    code: str,
    language: str | None,
    tier: str | None,
    time_zone: str | None,
    notice_address: Sequence[tuple[str, str]],
    parent: str | None,
    fields: tuple[str, ...],
    *,
    shares_with_parent: bool | None,
    as_json: bool,
) -> None:
    """Add a customer."""
    facts = {
        "language": language_of(language), **_facts(tier, time_zone, notice_address), **given_fields(fields),
    }  # fmt: skip

    async def work(tx: Tx) -> CompanyDetails:
        given = facts | await _parent(tx, parent, shares_with_parent)
        return await companies.add_company(tx, OPERATOR, name, code, facts=given, now=now())

    added = transact(work)
    show(company_out(added), f"Company {added.name} ({added.code}) added.", as_json=as_json)


@company.command("list")
@json_option
def company_list(*, as_json: bool) -> None:
    """List customers by name."""
    listed = transact(lambda tx: companies.list_companies(tx, OPERATOR))
    show_list(
        listed,
        company_out,
        ("NAME", "CODE", "ACTIVE", "ID"),
        lambda company: (company.name, company.code, company.deactivated_at is None, company.id),
        noun="companies",
        as_json=as_json,
    )


@company.command("show")
@click.argument("company")
@json_option
def company_show(company: str, *, as_json: bool) -> None:
    """Show what is known of a company, with its own fields. COMPANY is its name, code or id."""
    shown = company_out(transact(lambda tx: companies.get_company_details(tx, OPERATOR, company)))
    if as_json:
        print_json(shown)
    else:
        print_members(shown)


@company.command("change")
@click.argument("company")
@click.option("--name", help="New name.")
@click.option("--code", help="New customer number.")
@language_option
@_fact_options
@_parent_options
@field_option
@json_option
def company_change(
    company: str,
    name: str | None,
    code: str | None,
    language: str | None,
    tier: str | None,
    time_zone: str | None,
    notice_address: Sequence[tuple[str, str]],
    parent: str | None,
    fields: tuple[str, ...],
    *,
    shares_with_parent: bool | None,
    as_json: bool,
) -> None:
    """Change what is known of a company.

    COMPANY is its name or code; PROVIDER is the provider, whose language is that of the desk. The addresses that are
    given for a subject replace those that it had.
    """
    changed_values(
        name=name, code=code, language=language, tier=tier, time_zone=time_zone, notice_address=notice_address or None,
        parent=parent, shares_with_parent=shares_with_parent, field=fields or None,
    )  # fmt: skip
    given = {"name": name, "code": code, "language": language}
    values = with_language({name: value for name, value in given.items() if value is not None})
    values |= _facts(tier, time_zone, notice_address) | given_fields(fields)

    async def work(tx: Tx) -> tuple[CompanyDetails, CompanyDetails]:
        before = await companies.lock_company(tx, OPERATOR, company)
        given = values | await _parent(tx, parent, shares_with_parent)
        return before, await companies.change_company(tx, OPERATOR, company, given, now=now())

    before, after = map(company_out, transact(work))
    show(after, change_text(f"Company {after.name} ({after.code})", before, after), as_json=as_json)
