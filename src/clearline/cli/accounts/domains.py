"""Commands for mail domains."""

import click

from clearline.accounts import mail_domain_usecases as mail_domains
from clearline.accounts.mail_domain import DomainState, MailDomain, Proof
from clearline.cli.accounts.options import company_option
from clearline.cli.context import transact
from clearline.cli.output import json_option, show, show_done, show_list
from clearline.cli.terminal.questions import confirm, yes_option
from clearline.clock import now
from clearline.identity import OPERATOR
from clearline.platform.database.transactions import Tx
from clearline.wires.house.accounts.mapping import mail_domain_out

_trusted_option = click.option("--trusted", is_flag=True, help="Verify the domain at once, without a TXT record.")


@click.group()
def domain() -> None:
    """Manage the mail domains of a company, whose addresses are confirmed without an invitation."""


@domain.command("add")
@company_option
@click.argument("name")
@click.option("--subdomains", is_flag=True, help="Include the addresses of all subdomains.")
@_trusted_option
@click.option("--public", is_flag=True, help="Accept the domain of a public mail service, such as gmail.com.")
@json_option
def domain_add(company: str, name: str, *, subdomains: bool, trusted: bool, public: bool, as_json: bool) -> None:
    """Add the domain NAME, such as example.com, to a company."""

    async def work(tx: Tx) -> MailDomain:
        return await mail_domains.add_domain(
            tx,
            OPERATOR,
            company,
            name,
            by=Proof.STAFF if trusted else Proof.DNS,
            includes_subdomains=subdomains,
            allows_public=public,
            now=now(),
        )

    _show(transact(work), "added", as_json=as_json)


def _show(shown: MailDomain, done: str, *, as_json: bool) -> None:
    text = f"Domain {shown.name} {done}. "
    if shown.state is DomainState.VERIFIED:
        text += "It is verified."
    else:
        text += f"It is verified once this TXT record is found at {shown.name}: {shown.record}"
    show(mail_domain_out(shown), text, as_json=as_json)


@domain.command("list")
@company_option
@json_option
def domain_list(company: str, *, as_json: bool) -> None:
    """List the mail domains of a company by name."""
    show_list(
        transact(lambda tx: mail_domains.list_domains(tx, OPERATOR, company)),
        mail_domain_out,
        ("NAME", "SUBDOMAINS", "STATE", "BY", "CHECKED", "REASON"),
        lambda domain: (
            domain.name,
            domain.includes_subdomains,
            domain.state,
            domain.verified_by,
            domain.checked_at,
            domain.reason,
        ),
        noun="domains",
        as_json=as_json,
    )


@domain.command("verify")
@company_option
@click.argument("name")
@_trusted_option
@json_option
def domain_verify(company: str, name: str, *, trusted: bool, as_json: bool) -> None:
    """Check the TXT record of a domain within seconds, or verify the domain without a check."""
    by = Proof.STAFF if trusted else Proof.DNS

    async def work(tx: Tx) -> MailDomain:
        return await mail_domains.verify_domain(tx, OPERATOR, company, name, by=by, now=now())

    _show(transact(work), "verified" if trusted else "will be checked", as_json=as_json)


@domain.command("delete")
@company_option
@click.argument("name")
@yes_option
@json_option
def domain_delete(company: str, name: str, *, yes: bool, as_json: bool) -> None:
    """Delete a mail domain of a company. Addresses that it confirmed stay confirmed."""
    confirm(f"Delete the mail domain {name} of {company}?", yes=yes)

    async def work(tx: Tx) -> None:
        await mail_domains.delete_domain(tx, OPERATOR, company, name, now=now())

    transact(work)
    show_done(f"Domain {name} deleted.", as_json=as_json)
