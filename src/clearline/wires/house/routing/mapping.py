"""House API v1: routing rules and what they would do as they travel."""

from clearline.routing.rule_store import RuleDetails
from clearline.routing.usecases import RoutingPreview
from clearline.wires.house.routing import wire
from clearline.wires.house.wire import Ref

NAMES = {"queue": "queue_id", "companies": "company_ids"}
"""What this wire calls otherwise than the domain."""


_WIRE_NAMES = {domain: ours for ours, domain in NAMES.items()}


def rule_out(found: RuleDetails) -> wire.RuleOut:
    """Return a routing rule."""
    rule = found.rule
    return wire.RuleOut(
        str(rule.id),
        rule.position,
        rule.name,
        Ref(str(rule.queue_id), found.queue_name),
        list(rule.issue_types),
        list(rule.service_types),
        [str(one) for one in rule.company_ids],
        list(rule.priorities),
        list(rule.keywords),
        rule.is_active,
        rule.created_at,
    )


def preview_out(found: RoutingPreview) -> wire.ForecastOut:
    """Return what the routing rules would do to a ticket, and why."""
    matching = next((one.rule for one in found.results if not one.failed), None)
    agent, queue = found.choice.agent, found.queue
    return wire.ForecastOut(
        [
            wire.VerdictOut(
                Ref(str(one.rule.id), one.rule.name),
                one.rule.position,
                not one.failed,
                [_WIRE_NAMES.get(name, name) for name in one.failed],
            )
            for one in found.results
        ],
        None if matching is None else Ref(str(matching.id), matching.name),
        None if queue is None else Ref(str(queue.id), queue.name),
        None if agent is None else Ref(str(agent.id), agent.name),
        found.choice.why,
    )
