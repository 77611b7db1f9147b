"""Names in filters of the search: look up what they name."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from uuid import UUID

from clearline.accounts import permissions, user_store
from clearline.accounts.tiers import store as tier_store
from clearline.catalogue.usecases import current_catalogue
from clearline.errors import InvalidInput, NotFound, RuleCode, Violation
from clearline.fields.domain import Definitions, Field, RecordKind, RefersTo
from clearline.fields.query_domain import asked
from clearline.fields.type_domain import WrongValue
from clearline.fields.usecases import definitions
from clearline.identity import PROVIDER_ID, Actor
from clearline.platform.database.transactions import Tx
from clearline.queues import store as queue_store
from clearline.queues import team_store
from clearline.search.document import facet
from clearline.search.filters import OWN_FIELD, Facets, Named, Range, invalid, issue_facets, service_facets
from clearline.search.language import Phrase, Term, Word

_NAMESAKES_MAX = 20
"""The most users with an address, one in each company, whose references are found by it."""


async def condition_of(tx: Tx, actor: Actor, term: Term) -> tuple[Word | Phrase | Facets | Range, bool]:
    """Return a condition of a query with the names in it looked up, and whether it is negated.

    Raises:
        InvalidInput: there is nothing of a name for the actor, or a field has no such value.
    """
    condition = term.condition
    if not isinstance(condition, Named):
        return condition, term.is_negated
    if condition.filter.startswith(OWN_FIELD):
        field = _field_of(await definitions(tx), condition.filter, staff=actor.is_staff)
        found, is_inverse = own_condition(field, await _named_value(tx, actor, field, condition.value))
        return found, term.is_negated is not is_inverse
    return await _named(tx, actor, condition), term.is_negated


def own_condition(field: Field, text: str) -> tuple[Facets | Range, bool]:
    """Return the condition of a value of an own field, and whether it is for the tickets that do not match it.

    Raises:
        InvalidInput: it is no value of the field.
    """
    try:
        query = asked(field, text)
    except WrongValue as wrong:
        raise invalid(f"has an unknown {OWN_FIELD}{field.key}: it {wrong.rule}") from None
    found = Range(query.prefixes, query.own_number) if query.prefixes else Facets(query.any_of)
    return found, query.is_inverse


def _field_of(known: Definitions, name: str, *, staff: bool) -> Field:
    field = known.of(RecordKind.TICKET).get(name.removeprefix(OWN_FIELD))
    if field is not None and field.is_visible(for_staff=staff):
        return field
    others = [OWN_FIELD + other.key for other in known.shown(RecordKind.TICKET, for_staff=staff)]
    rule = f"it must be one of {', '.join(others)}" if others else "tickets have no own fields"
    raise invalid(f"has no filter {name}: {rule}")


async def _named(tx: Tx, actor: Actor, condition: Named) -> Facets:
    if condition.filter == "team":
        queues = await _queues_of_team(tx, condition.value)
        return Facets(tuple(facet("queue", queue_id) for queue_id in queues))
    if condition.filter in _TYPES:
        return _TYPES[condition.filter](condition.value, await current_catalogue(tx))
    value = await _LOOK_UP[condition.filter](tx, actor, condition.value)
    return Facets((facet(condition.filter, value),))


async def _named_value(tx: Tx, actor: Actor, field: Field, value: str) -> str:
    """Return a value of an own field: of a reference the id of what is named; any other value as it is."""
    if value.lower() in {"any", "none"}:
        return value
    if field.refers_to is RefersTo.COMPANY:
        with suppress(NotFound):
            return str((await permissions.company_named(tx, actor, value)).id)
    if field.refers_to is RefersTo.USER:
        if value.lower() == "me" and actor.user is not None:
            return str(actor.user.id)
        users = await user_store.with_address(tx, value, only=_companies_of(actor), limit=_NAMESAKES_MAX)
        if users:
            return ",".join(str(user.id) for user in users)
    return value


def _companies_of(actor: Actor) -> list[UUID] | None:
    """Return the companies whose people the actor may see, besides the provider's; None for all."""
    if not actor.is_staff:
        return [permissions.own_company(actor).id]
    only = None if actor.limits is None else actor.limits.only_companies
    return None if only is None else [*only]


def _unknown(name: str, rule: str) -> InvalidInput:
    return InvalidInput([Violation("q", f"has an unknown {name}: it must be {rule}", RuleCode.FORMAT)])


async def _company(tx: Tx, actor: Actor, value: str) -> object:
    try:
        return (permissions.child_named(actor, value) or await permissions.company_named(tx, actor, value)).id
    except NotFound:
        raise _unknown("company", "the name or code of a company") from None


async def _queue(tx: Tx, _actor: Actor, value: str) -> object:
    if value.lower() == "none":
        return "none"
    if (queue := await queue_store.find(tx, value)) is None:
        raise _unknown("queue", "none or the name of a queue")
    return queue.id


async def _queues_of_team(tx: Tx, value: str) -> list[UUID]:
    if (team := await team_store.find(tx, value)) is None:
        raise _unknown("team", "the name of a team")
    return await queue_store.of_team(tx, team.team.id)


async def _person(tx: Tx, actor: Actor, name: str, value: str) -> object:
    if value.lower() == "me" and actor.user is not None:
        return actor.user.id
    if (user := await user_store.find(tx, PROVIDER_ID, value)) is None:
        raise _unknown(name, "me or the e-mail address of one of the provider's people")
    return user.id


async def _assignee(tx: Tx, actor: Actor, value: str) -> object:
    return "none" if value.lower() == "none" else await _person(tx, actor, "assignee", value)


async def _watcher(tx: Tx, actor: Actor, value: str) -> object:
    return await _person(tx, actor, "watcher", value)


async def _tier(tx: Tx, _actor: Actor, value: str) -> object:
    if value.lower() == "none":
        return "none"
    tiers = await tier_store.all_tiers(tx)
    if (tier := next((tier for tier in tiers if value.lower() in {tier.key, tier.label.lower()}), None)) is None:
        raise _unknown("tier", "none or one of " + ", ".join(tier.key for tier in tiers))
    return tier.key


_TYPES = {"issue": issue_facets, "service": service_facets}
_LOOK_UP: dict[str, Callable[[Tx, Actor, str], Awaitable[object]]] = {
    "company": _company,
    "tier": _tier,
    "queue": _queue,
    "assignee": _assignee,
    "watcher": _watcher,
}
