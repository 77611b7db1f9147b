"""The log of deliveries of a webhook: each with its payload and attempts, and its replay."""

from urllib.parse import urlencode
from uuid import UUID

import msgspec

from clearline.errors import Conflict
from clearline.web.done import done_in, with_done
from clearline.web.fields import known_id
from clearline.web.language.refusals import refusal_text
from clearline.web.records.form import Outcome
from clearline.web.records.webhooks import Webhooks
from clearline.web.visit import Visit, redirect
from clearline.web.words import gettext
from clearline.webhooks import delivery_usecases as deliveries
from clearline.webhooks import subscription_usecases as subscriptions
from clearline.webhooks.delivery_domain import REPLAYABLE, Delivery, DeliveryState
from clearline.wires.http.call import Answer
from clearline.wires.http.cursors import InvalidCursor, list_id

_SIZE = 50


async def show_log(section: Webhooks, visit: Visit) -> Answer:
    """Show the deliveries of a webhook, newest first."""
    return await _page(section, visit, None, Outcome())


async def show_delivery(section: Webhooks, visit: Visit) -> Answer:
    """Show a delivery with its payload and its attempts."""
    done = gettext("It is sent again now.") if done_in(visit) == "replay" else ""
    return await _page(section, visit, _delivery_id(visit), Outcome(done=done))


async def replay_delivery(section: Webhooks, visit: Visit) -> Answer:
    """Send a delivery again."""
    webhook_id, delivery_id = section.record_id(visit), _delivery_id(visit)
    try:
        async with visit.database.transaction() as tx:
            owner = await section.owner(visit, tx)
            await deliveries.replay(tx, visit.actor, webhook_id, delivery_id, of=owner, now=visit.now)
    except Conflict as error:
        return await _page(section, visit, delivery_id, Outcome(409, problem=refusal_text(error)))
    address = f"{section.path}/{webhook_id}/deliveries/{delivery_id}"
    return redirect(visit.browser, with_done(visit, address, "replay"), visit.headers)


def _delivery_id(visit: Visit) -> UUID:
    return known_id(deliveries.KIND, visit.path["delivery"])


async def _page(section: Webhooks, visit: Visit, delivery_id: UUID | None, outcome: Outcome) -> Answer:
    webhook_id, state = section.record_id(visit), _state(visit)
    log = f"{section.path}/{webhook_id}/deliveries"
    made_for = list_id(log, {"state": state or ""})
    after = _number(visit.services.cursors.read(visit.query["after"], made_for)) if visit.query.get("after") else None
    async with visit.database.transaction() as tx:
        frame = await section.frame(visit, tx)
        owner = await section.owner(visit, tx)
        webhook = await subscriptions.get_subscription(tx, visit.actor, webhook_id, of=owner)
        listed = await deliveries.list_deliveries(
            tx, visit.actor, webhook_id, of=owner, state=state, after=after, limit=_SIZE + 1
        )
        details = None
        if delivery_id is not None:
            details = await deliveries.get_delivery(tx, visit.actor, webhook_id, delivery_id, of=owner)
    if outcome.status != 200:
        visit.headers.append((b"hx-push-url", f"{log}/{delivery_id}".encode()))
    following = None
    if len(listed) > _SIZE:
        cursor = visit.services.cursors.make([listed[_SIZE - 1].number], made_for)
        following = f"{log}?{urlencode({'state': state or '', 'after': cursor})}"
    return visit.page(
        "records/deliveries.html", outcome.status, here=section.here or section.path, log=log,
        state=state or "", webhook=webhook, webhook_title=section.title(webhook),
        webhook_path=f"{section.path}/{webhook_id}", deliveries=listed[:_SIZE], next=following,
        delivery=None if details is None else details.delivery,
        attempts=[] if details is None else details.attempts, payload="" if details is None else _text(details.body),
        can_replay=details is not None and _can_replay(details.delivery), outcome=outcome,
        states=[("", gettext("All")), *((state, word) for state, word in state_words().items())],
        is_opened=details is not None, tickets=f"{visit.area.home}/tickets", **frame,
    )  # fmt: skip


def state_words() -> dict[str, str]:
    """Return the words of the states of deliveries."""
    return {
        DeliveryState.DEAD: gettext("Failed"),
        DeliveryState.WAITING: gettext("Waiting"),
        DeliveryState.DELIVERED: gettext("Delivered"),
    }


def _state(visit: Visit) -> DeliveryState | None:
    """Return the state that is listed; None for all, and for what is none."""
    return next((state for state in DeliveryState if state == visit.query.get("state")), None)


def _number(keys: list[object]) -> int:
    try:
        return msgspec.convert(keys, tuple[int])[0]
    except msgspec.ValidationError:
        raise InvalidCursor from None


def _can_replay(delivery: Delivery) -> bool:
    return delivery.state in REPLAYABLE


def _text(body: bytes) -> str:
    """Return the payload on lines of its own, as people read it."""
    return msgspec.json.format(body, indent=2).decode()
