"""Commands for webhooks: subscriptions, and the deliveries to them."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import click
from msgspec import Struct

from clearline.accounts import permissions
from clearline.cli.context import current_settings, transact
from clearline.cli.output import (
    json_option,
    limit_option,
    print_json,
    print_table,
    show,
    show_done,
    show_list,
    show_secret,
)
from clearline.cli.parameters.ids import ID, resolve, resolve_among
from clearline.cli.parameters.times import TIME, span_of, span_options
from clearline.cli.terminal.changes import change_text
from clearline.cli.terminal.questions import confirm, yes_option
from clearline.cli.terminal.text import echo
from clearline.clock import now
from clearline.controls import visible_json
from clearline.identity import OPERATOR, Company
from clearline.platform.database.transactions import Tx
from clearline.tickets.domain import ticket_number
from clearline.webhooks import delivery_usecases as deliveries
from clearline.webhooks import subscription_usecases as subscriptions
from clearline.webhooks.delivery_actions.domain import DeliveryAction
from clearline.webhooks.delivery_domain import Delivery, DeliveryState
from clearline.webhooks.delivery_usecases import DeliveryDetails
from clearline.webhooks.subscription_domain import Subscription
from clearline.wires.house.webhooks.mapping import (
    delivery_details_out,
    delivery_out,
    replay_out,
    subscription_made_out,
    subscription_out,
)

T = TypeVar("T")
_company_option = click.option(
    "--company", default="PROVIDER", show_default=True, metavar="NAME", help="Company: a name, customer code or id."
)
_type_option = click.option(
    "--type", "types", multiple=True, help="Event type, or a prefix such as ticket.; repeat for several."
)
_MOST = 10_000
"""More webhooks than a company can have."""


@click.group()
def webhook() -> None:
    """Manage webhooks, and the deliveries to them. The provider's receive the events of every company."""


def _transact_for(company: str, work: Callable[[Tx, Company], Awaitable[T]]) -> T:
    """Run a command's work in a transaction, with the company that was named."""

    async def with_company(tx: Tx) -> T:
        return await work(tx, await permissions.company_typed(tx, OPERATOR, company))

    return transact(with_company)


def _transact_with(webhook_id: str, company: str, work: Callable[[Tx, Company, UUID], Awaitable[T]]) -> T:
    """Run a command's work in a transaction, with the company and its webhook that were named."""

    async def with_webhook(tx: Tx, owner: Company) -> T:
        async def ids() -> list[UUID]:
            listed = await subscriptions.list_subscriptions(tx, OPERATOR, of=owner, after=None, limit=_MOST)
            return [subscription.id for subscription in listed]

        return await work(tx, owner, await resolve_among(webhook_id, "webhook", ids))

    return _transact_for(company, with_webhook)


async def _delivery_id(tx: Tx, owner: Company, subscription_id: UUID, text: str) -> UUID:
    async def between(low: UUID, high: UUID) -> list[UUID]:
        return await deliveries.ids_between(tx, OPERATOR, subscription_id, low, high, of=owner)

    return await resolve(text, "delivery", between)


@webhook.command("add")
@click.argument("url")
@_company_option
@_type_option
@click.option("--description", default="", help="What the webhook is for.")
@json_option
def webhook_add(url: str, company: str, types: tuple[str, ...], description: str, *, as_json: bool) -> None:
    """Add a webhook and print the secret that signs its deliveries, which is not shown again."""
    values = {"url": url, "types": types, "description": description}

    async def work(tx: Tx, owner: Company) -> tuple[Subscription, str]:
        settings = current_settings()
        return await subscriptions.add_subscription(
            tx,
            OPERATOR,
            values,
            of=owner,
            networks=settings.webhook_networks,
            most=settings.company_subscriptions_max,
            now=now(),
        )

    added, secret = _transact_for(company, work)
    _show_secret(added, secret, f"Webhook {added.id} added.", as_json=as_json)


def _show_secret(subscription: Subscription, secret: str, text: str, *, as_json: bool) -> None:
    notice = f"{text} Store its secret: it is not shown again."
    show_secret(subscription_made_out(subscription, secret), secret, notice, as_json=as_json)


@webhook.command("list")
@_company_option
@limit_option
@json_option
def webhook_list(company: str, limit: int, *, as_json: bool) -> None:
    """List the webhooks of a company, oldest first."""

    async def work(tx: Tx, owner: Company) -> list[Subscription]:
        return await subscriptions.list_subscriptions(tx, OPERATOR, of=owner, after=None, limit=limit + 1)

    show_list(
        _transact_for(company, work),
        subscription_out,
        ("ID", "URL", "TYPES", "ACTIVE", "FAILURES", "RESUMES", "IN PROGRESS", "DISABLED BECAUSE"),
        lambda webhook: (
            webhook.id,
            webhook.url,
            " ".join(webhook.types) or "all",
            webhook.is_active,
            webhook.failures,
            webhook.resume_at,
            _progress(webhook.in_progress),
            webhook.disabled_reason,
        ),
        noun="webhooks",
        as_json=as_json,
        limit=limit,
    )


def _progress(action: DeliveryAction | None) -> str | None:
    """Return how far something is that is being done with all deliveries of a webhook."""
    if action is None:
        return None
    of_total = "" if action.total is None else f" of {action.total}"
    return f"{action.action.replace('_', ' ')}: {action.done}{of_total}"


@webhook.command("change")
@click.argument("webhook_id", type=ID)
@_company_option
@_type_option
@click.option("--all-types", is_flag=True, help="Send events of every type.")
@click.option("--url", help="New URL.")
@click.option("--description", help="What the webhook is for.")
@click.option("--on/--off", "is_active", default=None, help="Whether events are sent; on resets the failures.")
@json_option
def webhook_change(
    webhook_id: str, company: str, types: tuple[str, ...], *, all_types: bool, as_json: bool, **options: Any
) -> None:
    """Change a webhook. Options that are not given change nothing."""
    values = {name: value for name, value in options.items() if value is not None}
    if types or all_types:
        values["types"] = types

    async def work(tx: Tx, owner: Company, known: UUID) -> tuple[Subscription, Subscription]:
        networks = current_settings().webhook_networks
        before = await subscriptions.get_subscription(tx, OPERATOR, known, of=owner)
        return before, await subscriptions.change_subscription(
            tx, OPERATOR, known, values, of=owner, networks=networks, now=now()
        )

    before, after = map(subscription_out, _transact_with(webhook_id, company, work))
    show(after, change_text(f"Webhook {after.id}", before, after), as_json=as_json)


@webhook.command("delete")
@click.argument("webhook_id", type=ID)
@_company_option
@yes_option
@json_option
def webhook_delete(webhook_id: str, company: str, *, yes: bool, as_json: bool) -> None:
    """Delete a webhook and its deliveries. Workers delete those of a webhook that has thousands."""
    confirm(f"Delete webhook {webhook_id} and its deliveries?", yes=yes)

    async def work(tx: Tx, owner: Company, known: UUID) -> UUID:
        await subscriptions.delete_subscription(tx, OPERATOR, known, of=owner, now=now())
        return known

    deleted = _transact_with(webhook_id, company, work)
    show_done(f"Webhook {deleted} deleted.", as_json=as_json)


@webhook.command("rotate")
@click.argument("webhook_id", type=ID)
@_company_option
@json_option
def webhook_rotate(webhook_id: str, company: str, *, as_json: bool) -> None:
    """Replace the secret of a webhook and print the new one.

    For 24 hours the previous one signs too. Rotating again within that time ends the one before it at once.
    """

    async def work(tx: Tx, owner: Company, known: UUID) -> tuple[Subscription, str]:
        return await subscriptions.rotate_secret(tx, OPERATOR, known, of=owner, now=now())

    rotated, secret = _transact_with(webhook_id, company, work)
    until = f"The previous one signs too until {rotated.previous_until:%Y-%m-%d %H:%M:%S}Z."
    _show_secret(rotated, secret, f"Secret of webhook {rotated.id} replaced. {until}", as_json=as_json)


@webhook.command("ping")
@click.argument("webhook_id", type=ID)
@_company_option
@json_option
def webhook_ping(webhook_id: str, company: str, *, as_json: bool) -> None:
    """Queue a delivery of type ping, even while the webhook is paused after failures."""

    async def work(tx: Tx, owner: Company, known: UUID) -> Delivery:
        return await subscriptions.ping(tx, OPERATOR, known, of=owner, now=now())

    ping = _transact_with(webhook_id, company, work)
    text = f"Ping {ping.id} queued. A running server or worker sends it; see: clearline webhook deliveries {webhook_id}"
    show(delivery_out(ping), text, as_json=as_json)


@webhook.command("deliveries")
@click.argument("webhook_id", type=ID)
@_company_option
@click.option(
    "--state", type=click.Choice([state.value for state in DeliveryState]), help="Only deliveries in this state."
)
@span_options("deliveries created")
@limit_option
@json_option
def webhook_deliveries(
    webhook_id: str,
    company: str,
    state: str | None,
    since: datetime | None,
    until: datetime | None,
    limit: int,
    *,
    as_json: bool,
) -> None:
    """List the deliveries to a webhook, newest first."""
    only = None if state is None else DeliveryState(state)
    created = span_of(since, until)
    show_list(
        _transact_with(
            webhook_id,
            company,
            lambda tx, owner, known: deliveries.list_deliveries(
                tx, OPERATOR, known, of=owner, state=only, created=created, after=None, limit=limit + 1
            ),
        ),
        delivery_out,
        ("ID", "TYPE", "TICKET", "STATE", "ATTEMPTS", "CREATED", "DUE", "FINISHED"),
        lambda delivery: (
            delivery.id,
            delivery.type,
            None if delivery.ticket_number is None else ticket_number(delivery.ticket_number),
            delivery.state,
            delivery.attempts,
            delivery.created_at,
            delivery.due_at,
            delivery.finished_at,
        ),
        noun="deliveries",
        as_json=as_json,
        limit=limit,
    )


@webhook.command("delivery")
@click.argument("webhook_id", type=ID)
@click.argument("delivery_id", type=ID)
@_company_option
@json_option
def webhook_delivery(webhook_id: str, delivery_id: str, company: str, *, as_json: bool) -> None:
    """Show a delivery: its body, and the result of each attempt."""

    async def work(tx: Tx, owner: Company, known: UUID) -> DeliveryDetails:
        named = await _delivery_id(tx, owner, known, delivery_id)
        return await deliveries.get_delivery(tx, OPERATOR, known, named, of=owner)

    details = _transact_with(webhook_id, company, work)
    if as_json:
        print_json(delivery_details_out(details))
        return
    echo(visible_json(details.body.decode()) + "\n")
    print_table(
        ("AT", "STATUS", "MS", "ERROR", "ANSWER"),
        [
            (attempt.at, attempt.status, attempt.milliseconds, attempt.error, attempt.answer[:60])
            for attempt in details.attempts
        ],
    )


@webhook.command("replay")
@click.argument("webhook_id", type=ID)
@_company_option
@click.option("--delivery", "delivery_id", type=ID, help="Only this delivery.")
@click.option(
    "--since",
    type=TIME,
    metavar="TIME",
    help="Deliveries created at this time or later, such as 2026-03-01T12:00 (UTC).",
)
@click.option("--until", type=TIME, metavar="TIME", help="Deliveries created before this time (UTC); by default now.")
@click.option("--delivered", is_flag=True, help="Delivered deliveries instead of dead ones.")
@json_option
def webhook_replay(
    webhook_id: str,
    company: str,
    delivery_id: str | None,
    since: datetime | None,
    until: datetime | None,
    *,
    delivered: bool,
    as_json: bool,
) -> None:
    """Send one delivery again, or the dead ones of a time span; at most 10,000 at once."""
    if (delivery_id is None) == (since is None):
        raise click.UsageError("Give either --delivery or --since.")
    state = DeliveryState.DELIVERED if delivered else DeliveryState.DEAD

    async def work(tx: Tx, owner: Company, known: UUID) -> tuple[Struct, int]:
        at = now()
        if delivery_id is not None:
            named = await _delivery_id(tx, owner, known, delivery_id)
            return delivery_out(await deliveries.replay(tx, OPERATOR, known, named, of=owner, now=at)), 1
        begin, end = since or at, until or at
        count = await deliveries.replay_range(
            tx, OPERATOR, known, since=begin, until=end, state=state, of=owner, now=at
        )
        return replay_out(count), count

    answer, count = _transact_with(webhook_id, company, work)
    show(answer, f"{count} deliveries queued again.", as_json=as_json)
