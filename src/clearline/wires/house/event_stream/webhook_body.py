"""House API v1: what a webhook sends of an event."""

from clearline.events.event_types import Audience
from clearline.events.store import Event
from clearline.wires.house.event_stream.mapping import event_out
from clearline.wires.http.call import encode


def webhook_body(event: Event, audience: Audience) -> bytes | None:
    """Return what a webhook sends of an event: the same as the stream, in the envelope of Standard Webhooks."""
    visible = event_out(event, audience)
    if visible is None:
        return None
    data = {name: getattr(visible, name) for name in visible.__struct_fields__ if name not in {"type", "at"}}
    return encode({"type": visible.type, "timestamp": visible.at, "data": data})
