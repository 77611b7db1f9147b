"""House API v1: routing rules and their preview as they travel."""

from clearline.routing.rule_store import RuleDetails
from clearline.routing.usecases import RoutingPreview
from clearline.wires.house.routing import wire
from clearline.wires.house.wire import Ref

NAMES = {"queue": "queue_id", "companies": "company_ids"}
"""The members that have other names in the domain."""

_WIRE_NAMES = {domain: wire_name for wire_name, domain in NAMES.items()}


def rule_out(details: RuleDetails) -> wire.RuleOut:
    """Return a routing rule."""
    rule = details.rule
    return wire.RuleOut(
        str(rule.id),
        rule.position,
        rule.name,
        Ref(str(rule.queue_id), details.queue_name),
        list(rule.issue_types),
        list(rule.service_types),
        list(map(str, rule.company_ids)),
        list(rule.priorities),
        list(rule.keywords),
        list(rule.fields),
        rule.is_active,
        rule.created_at,
        None if details.shadowed_by is None else str(details.shadowed_by.id),
    )


def preview_out(preview: RoutingPreview) -> wire.ForecastOut:
    """Return what the routing rules would do to a ticket, and why."""
    matching = next((result.rule for result in preview.results if not result.failed), None)
    agent, queue = preview.choice.agent, preview.queue
    return wire.ForecastOut(
        [
            wire.VerdictOut(
                Ref(str(result.rule.id), result.rule.name),
                result.rule.position,
                not result.failed,
                [_WIRE_NAMES.get(name, name) for name in result.failed],
            )
            for result in preview.results
        ],
        None if matching is None else Ref(str(matching.id), matching.name),
        None if queue is None else Ref(str(queue.id), queue.name),
        None if agent is None else Ref(str(agent.id), agent.name),
        preview.choice.why,
    )
