"""Commands for companies."""

import click

from clearline.accounts import usecases as accounts
from clearline.accounts.company_store import CompanyDetails
from clearline.cli.accounts.options import changed_values, language_of, language_option, with_language
from clearline.cli.context import transact
from clearline.cli.lazy import LazyCommand, LazyGroup
from clearline.cli.output import json_option, show, show_list
from clearline.cli.terminal.changes import change_text
from clearline.clock import now
from clearline.identity import OPERATOR, Company
from clearline.platform.database.transactions import Tx
from clearline.wires.house.accounts.mapping import company_out, new_company_out

_COMMANDS = {
    "activate": LazyCommand("accounts.deactivation", "company_activate", "Activate a deactivated company."),
    "deactivate": LazyCommand("accounts.deactivation", "company_deactivate", "Deactivate a company."),
}


@click.group(cls=LazyGroup, lazy=_COMMANDS)
def company() -> None:
    """Manage customers, and the provider itself."""


@company.command("add")
@click.argument("name")
@click.option("--code", required=True, help="Customer number that tickets show, such as AAA111.")
@language_option
@json_option
def company_add(name: str, code: str, language: str | None, *, as_json: bool) -> None:
    """Add a customer."""

    async def work(tx: Tx) -> Company:
        return await accounts.add_company(tx, OPERATOR, name, code, language=language_of(language), now=now())

    added = transact(work)
    show(new_company_out(added, language_of(language)), f"Company {added.name} ({added.code}) added.", as_json=as_json)


@company.command("list")
@json_option
def company_list(*, as_json: bool) -> None:
    """List customers by name."""
    companies = transact(lambda tx: accounts.list_companies(tx, OPERATOR))
    show_list(
        companies,
        company_out,
        ("NAME", "CODE", "ACTIVE", "ID"),
        lambda company: (company.name, company.code, company.deactivated_at is None, company.id),
        noun="companies",
        as_json=as_json,
    )


@company.command("change")
@click.argument("company")
@click.option("--name", help="New name.")
@click.option("--code", help="New customer number.")
@language_option
@json_option
def company_change(company: str, name: str | None, code: str | None, language: str | None, *, as_json: bool) -> None:
    """Change the name, the code or the language of a company.

    COMPANY is its name or code; PROVIDER is the provider, whose language is that of the desk.
    """
    values = with_language(changed_values(name=name, code=code, language=language))

    async def work(tx: Tx) -> tuple[CompanyDetails, CompanyDetails]:
        before = await accounts.lock_company(tx, OPERATOR, company)
        return before, await accounts.change_company(tx, OPERATOR, company, values, now=now())

    before, after = map(company_out, transact(work))
    show(after, change_text(f"Company {after.name} ({after.code})", before, after), as_json=as_json)
