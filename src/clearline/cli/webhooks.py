"""Webhooks: where events are sent to, and what became of them."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import click

from clearline.accounts import permissions
from clearline.cli.context import as_json, emit, limit_option, settings, table, within
from clearline.clock import now
from clearline.identity import OPERATOR, Company
from clearline.platform.database.transactions import Tx
from clearline.tickets.domain import ticket_number
from clearline.webhooks import delivery_usecases as deliveries
from clearline.webhooks import usecases as subscriptions
from clearline.webhooks.domain import Subscription
from clearline.webhooks.protocol import Delivery, State, headers_of

T = TypeVar("T")
Command = Callable[..., None]
_company = click.option(
    "--company", default="PROVIDER", show_default=True, metavar="NAME", help="Whose: a name, customer code or id."
)
_type = click.option(
    "--type", "types", multiple=True, help="A type of event, or a beginning such as ticket.; may be given again."
)
_time = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S%z"])


@click.group()
def webhook() -> None:
    """Where events are sent to, and what became of them. The provider hears of every company."""


def _of(company: str, work: Callable[[Tx, Company], Awaitable[T]]) -> T:
    """Do a command's work for the company that was named."""

    async def whole(tx: Tx) -> T:
        return await work(tx, await permissions.company_typed(tx, OPERATOR, company))

    return within(whole)


@webhook.command("add")
@click.argument("url")
@_company
@_type
@click.option("--description", default="", help="What it is for.")
@as_json
def webhook_add(url: str, company: str, types: tuple[str, ...], description: str, *, as_json: bool) -> None:
    """Have events sent to a URL from now on. The secret that signs them is shown now, and not again."""
    values = {"url": url, "types": types, "description": description}

    async def work(tx: Tx, of: Company) -> tuple[Subscription, str]:
        networks = settings().webhook_networks
        return await subscriptions.add_subscription(tx, OPERATOR, values, of=of, networks=networks, now=now())

    made, secret = _of(company, work)
    _show_secret(made, secret, "added", as_json=as_json)


def _show_secret(one: Subscription, secret: str, done: str, *, as_json: bool) -> None:
    if as_json:
        emit({**_described(one), "secret": secret})
    else:
        click.echo(f"Webhook {one.id} {done}. It signs with\n\n    {secret}\n\nKeep it: it is not shown again.")


@webhook.command("list")
@_company
@limit_option
@as_json
def webhook_list(company: str, limit: int, *, as_json: bool) -> None:
    """A company's webhooks, oldest first."""
    found = _of(company, lambda tx, of: subscriptions.list_subscriptions(tx, OPERATOR, of=of, after=None, limit=limit))
    if as_json:
        emit([_described(one) for one in found])
        return
    table(
        ("ID", "URL", "TYPES", "ACTIVE", "FAILURES", "RESUMES", "DISABLED BECAUSE"),
        [
            (one.id, one.url, " ".join(one.types) or "all", one.is_active, one.failures, one.resume_at,
             one.disabled_reason)
            for one in found
        ],
    )  # fmt: skip


@webhook.command("change")
@click.argument("webhook_id", type=click.UUID)
@_company
@_type
@click.option("--all-types", is_flag=True, help="Send events of every type.")
@click.option("--url", help="Where to send them from now on.")
@click.option("--description", help="What it is for.")
@click.option("--on/--off", "is_active", default=None, help="Whether anything is sent; on begins afresh.")
@as_json
def webhook_change(
    webhook_id: UUID, company: str, types: tuple[str, ...], *, all_types: bool, as_json: bool, **options: Any
) -> None:
    """Change a webhook: what is not named stays."""
    values = {name: value for name, value in options.items() if value is not None}
    if types or all_types:
        values["types"] = types

    async def work(tx: Tx, of: Company) -> Subscription:
        networks = settings().webhook_networks
        return await subscriptions.change_subscription(
            tx, OPERATOR, webhook_id, values, of=of, networks=networks, now=now()
        )

    changed = _of(company, work)
    emit(_described(changed)) if as_json else click.echo(f"Webhook {changed.id} is as you said.")


@webhook.command("delete")
@click.argument("webhook_id", type=click.UUID)
@_company
@as_json
def webhook_delete(webhook_id: UUID, company: str, *, as_json: bool) -> None:
    """Send nothing there any more, and forget what was sent."""
    _of(company, lambda tx, of: subscriptions.delete_subscription(tx, OPERATOR, webhook_id, of=of, now=now()))
    emit({"id": webhook_id, "deleted": True}) if as_json else click.echo(f"Webhook {webhook_id} deleted.")


@webhook.command("rotate")
@click.argument("webhook_id", type=click.UUID)
@_company
@as_json
def webhook_rotate(webhook_id: UUID, company: str, *, as_json: bool) -> None:
    """Sign with a new secret, which is shown now; for 24 hours the one before signs too."""
    one, secret = _of(company, lambda tx, of: subscriptions.rotate_secret(tx, OPERATOR, webhook_id, of=of, now=now()))
    _show_secret(one, secret, "has a new secret", as_json=as_json)


@webhook.command("ping")
@click.argument("webhook_id", type=click.UUID)
@_company
@as_json
def webhook_ping(webhook_id: UUID, company: str, *, as_json: bool) -> None:
    """Have a delivery of type ping sent, also while the receiver is paused for its failures."""
    made = _of(company, lambda tx, of: subscriptions.ping(tx, OPERATOR, webhook_id, of=of, now=now()))
    if as_json:
        emit(_sent(made))
    else:
        click.echo(f"Ping {made.id} goes out once a server or clearline work runs. See: clearline webhook deliveries.")


@webhook.command("deliveries")
@click.argument("webhook_id", type=click.UUID)
@_company
@click.option("--state", type=click.Choice([one.value for one in State]), help="Only those in this state.")
@limit_option
@as_json
def webhook_deliveries(webhook_id: UUID, company: str, state: str | None, limit: int, *, as_json: bool) -> None:
    """What was sent, or is to be, newest first."""
    only = None if state is None else State(state)
    found = _of(
        company,
        lambda tx, of: deliveries.list_deliveries(tx, OPERATOR, webhook_id, of=of, state=only, after=None, limit=limit),
    )
    if as_json:
        emit([_sent(one) for one in found])
        return
    table(
        ("ID", "TYPE", "TICKET", "STATE", "ATTEMPTS", "MADE", "NEXT", "FINISHED"),
        [
            (one.id, one.type, _ticket(one), one.state, one.attempts, one.created_at, one.due_at, one.finished_at)
            for one in found
        ],
    )


@webhook.command("delivery")
@click.argument("webhook_id", type=click.UUID)
@click.argument("delivery_id", type=click.UUID)
@_company
@as_json
def webhook_delivery(webhook_id: UUID, delivery_id: UUID, company: str, *, as_json: bool) -> None:
    """One delivery: its body, and what came of each attempt."""
    told = _of(company, lambda tx, of: deliveries.get_delivery(tx, OPERATOR, webhook_id, delivery_id, of=of))
    body = told.body.decode()
    if as_json:
        tried = [
            {"at": one.at, "status": one.status, "error": one.error, "answer": one.answer,
             "milliseconds": one.milliseconds, "requestHeaders": headers_of(delivery_id, one.at)}
            for one in told.attempts
        ]  # fmt: skip
        emit({**_sent(told.delivery), "body": body, "attempts": tried})
        return
    click.echo(body + "\n")
    table(
        ("AT", "STATUS", "MS", "ERROR", "ANSWER"),
        [(one.at, one.status, one.milliseconds, one.error, one.answer[:60]) for one in told.attempts],
    )


@webhook.command("replay")
@click.argument("webhook_id", type=click.UUID)
@_company
@click.option("--delivery", "delivery_id", type=click.UUID, help="Only this one.")
@click.option("--since", type=_time, help="Those made from this time on (UTC).")
@click.option("--until", type=_time, help="Those made before this time (UTC); now unless given.")
@click.option("--delivered", is_flag=True, help="Those that were delivered, in the place of the dead ones.")
@as_json
def webhook_replay(
    webhook_id: UUID,
    company: str,
    delivery_id: UUID | None,
    since: datetime | None,
    until: datetime | None,
    *,
    delivered: bool,
    as_json: bool,
) -> None:
    """Send dead deliveries again, of a time or one alone; at most 10,000 at once."""
    if (delivery_id is None) == (since is None):
        raise click.UsageError("Say which: --delivery or --since.")
    state = State.DELIVERED if delivered else State.DEAD

    async def work(tx: Tx, of: Company) -> int:
        at = now()
        if delivery_id is not None:
            await deliveries.replay_one(tx, OPERATOR, webhook_id, delivery_id, of=of, now=at)
            return 1
        begin, end = _utc(since, at), _utc(until, at)
        return await deliveries.replay_range(
            tx, OPERATOR, webhook_id, since=begin, until=end, state=state, of=of, now=at
        )

    count = _of(company, work)
    emit({"count": count}) if as_json else click.echo(f"{count} sent again.")


def _utc(given: datetime | None, otherwise: datetime) -> datetime:
    if given is None:
        return otherwise
    return given if given.tzinfo is not None else given.replace(tzinfo=otherwise.tzinfo)


def _described(one: Subscription) -> dict[str, object]:
    return {
        "id": one.id,
        "url": one.url,
        "description": one.description,
        "types": one.types,
        "isActive": one.is_active,
        "disabledReason": one.disabled_reason,
        "failures": one.failures,
        "failingSince": one.failing_since,
        "resumesAt": one.resume_at,
        "oldSecretUntil": one.previous_until,
    }


def _sent(one: Delivery) -> dict[str, object]:
    return {
        "id": one.id,
        "type": one.type,
        "event": None if one.event_id is None else str(one.event_id),
        "ticket": _ticket(one),
        "state": one.state,
        "attemptCount": one.attempts,
        "dueAt": one.due_at,
        "createdAt": one.created_at,
        "finishedAt": one.finished_at,
    }


def _ticket(one: Delivery) -> str | None:
    return None if one.ticket_number is None else ticket_number(one.ticket_number)
