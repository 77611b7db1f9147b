"""Links with which people choose a password, as commands make and print them."""

from uuid import UUID

from clearline.cli.context import current_settings, transact
from clearline.cli.output import show, show_secret
from clearline.clock import now
from clearline.identity import OPERATOR, PROVIDER_ID
from clearline.platform.database.transactions import Tx
from clearline.sign_in import link_usecases as links
from clearline.sign_in.link_domain import LinkKind, NewLink, path_of
from clearline.wires.house.accounts.mapping import user_out


def company_ref(name: str | None) -> UUID | str:
    """Return the company that an option names: without a name, the provider."""
    return PROVIDER_ID if name is None or name.upper() == "PROVIDER" else name


def invited(email: str, *, company: str | None = None, by_mail: bool) -> NewLink:
    """Make a link for a person of the provider, or of a customer, and mail it if that is wanted and possible."""
    from clearline.web.mail import render  # noqa: PLC0415 - slow to import, and most commands send no mail

    async def work(tx: Tx) -> NewLink:
        return await links.invite(
            tx, OPERATOR, email, company_ref=company_ref(company), settings=current_settings(), render=render,
            by_mail=by_mail, now=now(),
        )  # fmt: skip

    return transact(work)


def show_link(link: NewLink, *, as_json: bool) -> None:
    """Print that a link is on its way by mail, or else the link itself."""
    user = link.user
    purpose = "invitation" if link.kind is LinkKind.INVITATION else "link for a new password"
    members = {"user": user_out(user), "kind": link.kind, "expires_at": link.expires_at, "is_mailed": link.is_mailed}
    if link.is_mailed:
        show({**members, "link": None}, f"The {purpose} is sent to {user.email}.", as_json=as_json)
        return
    url = current_settings().page_url(path_of(link.token, link.kind))
    notice = f"The {purpose} of {user.name} <{user.email}> works once, until {link.expires_at:%Y-%m-%d %H:%M} UTC:"
    show_secret({**members, "link": url}, url, notice, as_json=as_json)
