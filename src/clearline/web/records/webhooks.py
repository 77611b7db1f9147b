"""Webhooks: which events go to which URL, their secrets, a test, and what was sent lately."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from clearline.events.event_types import EventType
from clearline.events.type_names import customer_types
from clearline.identity import Company, Scope
from clearline.platform.database.transactions import Tx
from clearline.web import once
from clearline.web.records.form import Choice, Field, Kind, Line, Values
from clearline.web.records.section import Section, require_identity
from clearline.web.visit import Form, Visit, redirect
from clearline.web.words import gettext
from clearline.webhooks import delivery_usecases as deliveries
from clearline.webhooks import subscription_usecases as subscriptions
from clearline.webhooks.delivery_usecases import REPLAY_LIMIT
from clearline.webhooks.subscription_domain import Subscription
from clearline.wires.http.call import Answer

_LATEST = 5


class Webhooks(Section[Subscription]):
    """The webhooks of a company."""

    scope = Scope.ACCOUNTS_WRITE
    template = "records/webhooks.html"

    @property
    def words(self) -> Mapping[str, str]:
        """The words of the page."""
        return {
            "title": gettext("Webhooks"),
            "new": gettext("New webhook"),
            "about": gettext(
                "A webhook sends events of every company to a URL as they happen, signed with its secret."
            ),
            "about delete": gettext("Nothing more is sent, and its deliveries are deleted with it."),
            "done change": gettext("Saved."),
            "done delete": gettext("Deleted."),
            "done pause": gettext("Paused. Events that happen from now on are not sent, also not later."),
            "done resume": gettext("Active again. What waited is sent now."),
            "done replay": gettext("The failed deliveries are sent again, oldest first."),
        }

    def types(self) -> Sequence[EventType]:
        """Return the types of events that can be sent."""
        return tuple(EventType)

    async def owner(self, visit: Visit, tx: Tx) -> Company | None:  # noqa: ARG002 - for those of customers
        """Return the company whose webhooks these are; None for the one of the admin."""
        return None

    async def lines(self, visit: Visit, tx: Tx, after: list[Any] | None, limit: int) -> list[Line]:
        """Return the webhooks, oldest first."""
        position = (datetime.fromisoformat(after[0]), UUID(after[1])) if after else None
        owner = await self.owner(visit, tx)
        listed = await subscriptions.list_subscriptions(tx, visit.actor, of=owner, after=position, limit=limit)
        return [
            Line(
                str(webhook.id), _title(webhook), [webhook.created_at.isoformat(), str(webhook.id)],
                webhook.name if webhook.description else _types_word(webhook), state_word(webhook),
            )
            for webhook in listed
        ]  # fmt: skip

    async def fields(self, visit: Visit, tx: Tx, record: Subscription | None) -> list[Field]:  # noqa: ARG002
        """Return the fields of a webhook. It keeps the types that it has, also those that are never sent."""
        prefixes = dict.fromkeys(kind.partition(".")[0] for kind in self.types())
        choices = [
            choice
            for prefix in prefixes
            for choice in (
                Choice(f"{prefix}.", gettext("%(prefix)s (all)") % {"prefix": f"{prefix}."}),
                *(Choice(kind, kind) for kind in self.types() if kind.startswith(f"{prefix}.")),
            )
        ]
        offered = {choice.value for choice in choices}
        choices += [Choice(kind, kind) for kind in (record.types if record else ()) if kind not in offered]
        return [
            Field(
                "url", gettext("URL"), Kind.URL, is_required=True,
                hint=gettext("An https address. What it has beyond the host name is in no event and no log."),
            ),
            Field("description", gettext("Description")),
            Field(
                "types", gettext("Types of events"), Kind.CHECKS, choices,
                gettext("Without a checked type, all events are sent, also those of types that are added later."),
            ),
        ]  # fmt: skip

    def values(self, record: Subscription) -> Values:
        """Return what the fields of a webhook have."""
        return {"url": [record.url], "description": [record.description], "types": list(record.types)}

    def title(self, record: Subscription) -> str:
        """Return the name of a webhook."""
        return _title(record)

    async def get(self, visit: Visit, tx: Tx, record_id: UUID) -> Subscription:
        """Return a webhook."""
        return await subscriptions.get_subscription(tx, visit.actor, record_id, of=await self.owner(visit, tx))

    async def lock(self, visit: Visit, tx: Tx, record_id: UUID) -> Subscription:
        """Lock a webhook."""
        return await subscriptions.lock_subscription(tx, visit.actor, record_id, of=await self.owner(visit, tx))

    async def more(self, visit: Visit, tx: Tx, record: Subscription) -> dict[str, object]:
        """Return the latest deliveries of a webhook, and what its page says about its state."""
        owner = await self.owner(visit, tx)
        latest = await deliveries.list_deliveries(tx, visit.actor, record.id, of=owner, after=None, limit=_LATEST)
        return {"latest": latest, "state_word": state_word(record), "replay_limit": REPLAY_LIMIT}

    async def handle_create(self, visit: Visit) -> Answer:
        """Add a webhook, once, and show its secret."""
        settings = visit.services.settings

        async def issue(tx: Tx) -> tuple[UUID, str]:
            webhook, secret = await subscriptions.add_subscription(
                tx, visit.actor, _values(visit.form), of=await self.owner(visit, tx),
                networks=settings.webhook_networks, most=settings.company_subscriptions_max, now=visit.now,
            )  # fmt: skip
            return webhook.id, secret

        async def work() -> Answer:
            require_identity(visit)
            return await self.show_secret_once(visit, issue)

        return await self.perform(visit, work, None, is_new=True)

    async def change(self, visit: Visit, tx: Tx, record: Subscription) -> None:
        """Change a webhook. Another URL needs that the admin proved lately who it is: events go there."""
        values = _values(visit.form)
        if values["url"] != record.url:
            require_identity(visit)
        await self._set(visit, tx, record, values)

    async def delete(self, visit: Visit, tx: Tx, record: Subscription) -> None:
        """Delete a webhook with its deliveries."""
        owner = await self.owner(visit, tx)
        await subscriptions.delete_subscription(tx, visit.actor, record.id, of=owner, now=visit.now)

    async def handle_pause(self, visit: Visit) -> Answer:
        """Send nothing more for a while."""

        async def pause(visit: Visit, tx: Tx, webhook: Subscription) -> None:
            await self._set(visit, tx, webhook, {"is_active": False})

        return await self.handle_action(visit, "pause", pause)

    async def handle_resume(self, visit: Visit) -> Answer:
        """Send events again."""

        async def resume(visit: Visit, tx: Tx, webhook: Subscription) -> None:
            await self._set(visit, tx, webhook, {"is_active": True})

        return await self.handle_action(visit, "resume", resume)

    async def handle_replay(self, visit: Visit) -> Answer:
        """Send all failed deliveries again."""

        async def replay(visit: Visit, tx: Tx, webhook: Subscription) -> None:
            await deliveries.replay_range(
                tx, visit.actor, webhook.id, since=webhook.created_at, until=visit.now,
                of=await self.owner(visit, tx), now=visit.now,
            )  # fmt: skip

        return await self.handle_action(visit, "replay", replay)

    async def _set(self, visit: Visit, tx: Tx, webhook: Subscription, values: Mapping[str, Any]) -> None:
        networks = visit.services.settings.webhook_networks
        await subscriptions.change_subscription(
            tx, visit.actor, webhook.id, values, of=await self.owner(visit, tx), networks=networks, now=visit.now
        )

    async def handle_rotate(self, visit: Visit) -> Answer:
        """Make a new secret, once, and show it."""
        record_id = self.record_id(visit)

        async def issue(tx: Tx) -> tuple[UUID, str]:
            owner = await self.owner(visit, tx)
            webhook, secret = await subscriptions.rotate_secret(tx, visit.actor, record_id, of=owner, now=visit.now)
            return webhook.id, secret

        async def work() -> Answer:
            require_identity(visit)
            return await self.show_secret_once(visit, issue)

        return await self.perform(visit, work, record_id)

    async def handle_test(self, visit: Visit) -> Answer:
        """Send a ping, once, and open its delivery."""
        record_id = self.record_id(visit)

        async def ping(tx: Tx) -> str:
            owner = await self.owner(visit, tx)
            delivery = await subscriptions.ping(tx, visit.actor, record_id, of=owner, now=visit.now)
            return f"{self.path}/{record_id}/deliveries/{delivery.id}"

        async def work() -> Answer:
            address = await once.lead_once(visit, visit.browser.scope["path"], ping)
            return redirect(visit.browser, address, visit.headers)

        return await self.perform(visit, work, record_id)


class CustomerWebhooks(Webhooks):
    """The webhooks of a customer: they send what its admins may see of its own events."""

    def types(self) -> Sequence[EventType]:
        """Return the types of events that can be sent: none that only the provider sees."""
        return customer_types()


def state_word(webhook: Subscription) -> str:
    """Return the state of a webhook, unless it is active and its receiver is reached."""
    if not webhook.is_active:
        return gettext("paused") if webhook.disabled_reason is None else gettext("disabled")
    return gettext("failing") if webhook.failures else ""


def _title(webhook: Subscription) -> str:
    return webhook.description or webhook.name


def _types_word(webhook: Subscription) -> str:
    return ", ".join(webhook.types) or gettext("all events")


def _values(form: Form) -> dict[str, Any]:
    return {
        "url": form.get("url").strip(),
        "description": form.get("description").strip(),
        "types": tuple(dict.fromkeys(form.all("types"))),
    }
