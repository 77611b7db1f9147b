"""The statements of lists of tickets in any order, with any of the filters."""

from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from clearline.tickets.columns import NAMES, VIEWS
from clearline.tickets.domain import MERGE_DEPTH_MAX
from clearline.tickets.lists import value_store as values
from clearline.tickets.lists.order import RANKS, Order, OwnKind
from clearline.tickets.status_domain import State

_RANKED = " ".join(f"when '{priority}' then {rank}" for priority, rank in RANKS.items())
_RANK = f"(case priority {_RANKED} end)"
_SEEN = "coalesce(customer_updated_at, updated_at)"
KEYS = {
    Order.NUMBER: "number",
    Order.PRIORITY: _RANK,
    Order.CREATED: "created_at",
    Order.UPDATED: "updated_at",
    Order.STATUS_CHANGED: "status_changed_at",
    Order.OCCURRED: "coalesce(occurred_at, created_at)",
    Order.REMINDER: "reminder_at",
}
"""The sort key of each order, as its indexes have it."""

_MERGED_FILE = f"""exists (
    with recursive family (number, depth) as (
        select walked.number, 0
        union all
        select m.ticket_number, f.depth + 1
          from family f join ticket_merge m on m.company_id = walked.company_id and m.into_number = f.number
         where f.depth < {MERGE_DEPTH_MAX}
    )
    select from family f join attachment a
        on a.company_id = walked.company_id and a.ticket_number = f.number{{seen}})"""
_FILE = f"""(exists (select from attachment a
                where a.company_id = walked.company_id and a.ticket_number = walked.number{{seen}})
        or (walked.has_merged and {_MERGED_FILE}))"""
_WATCHED = """exists (select from ticket_watcher w
    where w.company_id = walked.company_id and w.ticket_number = walked.number and w.user_id = {{}}{own})"""


_PERSON = """exists (select from ticket_contact p
    where p.company_id = walked.company_id and p.ticket_number = walked.number and lower(p.email) = lower({{}})
      and p.kind = '{kind}')"""
_CONTACT = """lower({}) in (select lower(walked.contact_email) union all select lower(p.email) from ticket_contact p
    where p.company_id = walked.company_id and p.ticket_number = walked.number and p.kind in ('contact'{also}))"""

_CASE = """exists (select from ticket_case k
    where k.company_id = walked.company_id and k.ticket_number = walked.number and lower(k.number) = lower({})
      and k.number <> '')"""

_OWN_FIELD = """exists (select from ticket_field f
    where f.company_id = walked.company_id and f.ticket_number = walked.number and f.field_id = {}"""


def _checks(*, for_staff: bool) -> dict[str, str]:
    seen = "" if for_staff else " and a.visibility = 'public'"
    among_people = _CONTACT.format("{}", also=", 'cc'")
    watched = _WATCHED.format(own="" if for_staff else " and w.user_company_id = w.company_id")
    updated = "walked.updated_at" if for_staff else "coalesce(walked.customer_updated_at, walked.updated_at)"
    return {
        "company_id": "walked.company_id = {}",
        "service_id": "walked.service_id = {}",
        "assignee_id": "walked.assignee_id = {}",
        "queue_id": "walked.queue_id = {}",
        "team_id": "walked.queue_id in (select id from queue where team_id = {})",
        "within_queues": "walked.queue_id = any({}::uuid[])",
        "within_companies": "walked.company_id = any({}::uuid[])",
        "unassigned": "walked.assignee_id is null",
        "status": "walked.status = {}",
        "statuses": "walked.status = any({}::text[])",
        "priorities": "walked.priority = any({}::text[])",
        "severities": "walked.severity = any({}::text[])",
        "issue_types": "walked.issue_type = any({}::text[])",
        "service_types": "walked.service_type = any({}::text[])",
        "tags": "walked.tags @> {}::text[]",
        "tiers": "walked.company_id in (select id from company where tier = any({}::text[]))",
        "sub_statuses": "walked.sub_status = any({}::text[])",
        "waiting_reasons": "walked.waiting ->> 'reason' = any({}::text[])",
        "contact": _CONTACT.format("{}", also=""),
        "cc": _PERSON.format(kind="cc"),
        "external_id": "walked.external_ids @> {}::jsonb",
        "case_number": _CASE,
        "has_file": _FILE.format(seen=seen),
        "has_no_file": f"not {_FILE.format(seen=seen)}",
        "watcher_id": watched,
        "concerned": f"({among_people} or {watched})",
        "has_reminder": "walked.reminder_at is not null",
        "has_no_reminder": "walked.reminder_at is null",
        "reminder": "walked.reminder_at >= {} and walked.reminder_at < {}",
        "has_own": _OWN_FIELD + ")",
        "own_field": _OWN_FIELD + " and f.value = left(lower({}), 200))",
        "own_number": _OWN_FIELD + " and f.number >= {} and f.number < {})",
        "created": "walked.created_at >= {} and walked.created_at < {}",
        "updated": f"{updated} >= {{}} and {updated} < {{}}",
        "occurred": "walked.occurred_at >= {} and walked.occurred_at < {}",
        "is_chronic": "walked.is_chronic",
        "is_not_chronic": "not walked.is_chronic",
    }


CHECKS = {for_staff: _checks(for_staff=for_staff) for for_staff in (True, False)}
"""The condition of each filter on a ticket ``walked``, with room for its values, by whether it is for the provider's
people. A customer's lists do not depend on files, watchers and changes that it does not see."""

_MARKS = {Order.PRIORITY: -1, Order.UPDATED: -2, Order.STATUS_CHANGED: -3, Order.CREATED: -4, Order.OCCURRED: -7}
"""What no number is: the indexes of open tickets in an order say so, and only a list that says it too walks them."""
_STATES = {"open": "is_open", "finished": "not is_open", "all": "true"}
_BY_STATE = {"open": ("is_open::integer = 1",), "finished": ("is_open::integer = 0",)}
"""As the indexes ``ticket_age`` and ``ticket_open_occurred`` have the state."""
_FEW = {
    "external_id": """(
        select * from ticket where external_ids @> {}::jsonb and external_ids <> '{{}}' offset 0) ticket""",
    "watcher_id": """(select ticket.* from ticket_watcher w cross join lateral (
        select * from ticket where company_id = w.company_id and number = w.ticket_number offset 0) ticket
        where w.user_id = {}) ticket""",
    "cc": """(select ticket.* from ticket_contact p cross join lateral (
        select * from ticket where company_id = p.company_id and number = p.ticket_number offset 0) ticket
        where lower(p.email) = lower({}) and p.kind = 'cc') ticket""",
    "case_number": """(select ticket.* from (
        select distinct company_id, ticket_number from ticket_case where lower(number) = lower({}) and number <> '') k
        cross join lateral (
        select * from ticket where company_id = k.company_id and number = k.ticket_number offset 0) ticket) ticket""",
    "contact": """(select ticket.* from (
        select company_id, number from ticket where lower(contact_email) = lower({0})
        union
        select company_id, ticket_number from ticket_contact where lower(email) = lower({0}) and kind = 'contact'
        ) p cross join lateral (
        select * from ticket where company_id = p.company_id and number = p.number offset 0) ticket) ticket""",
    "has_reminder": "(select * from ticket where reminder_at is not null offset 0) ticket",
    "reminder": "(select * from ticket where reminder_at >= {} and reminder_at < {} offset 0) ticket",
}
"""What reads the tickets of filters that few tickets match."""
_HAS_REMINDER = "reminder_at is not null"
"""As the index ``ticket_reminder`` says it."""
_WALKED = {
    "has_reminder": _HAS_REMINDER,
    "company_id": "company_id = {}",
    "service_id": "service_id = {}",
    "assignee_id": "assignee_id = {}",
    "queue_id": "queue_id = {}",
    "team_id": "queue_id = merged_by.id",
    "within_queues": "queue_id = merged_by.id",
    "within_companies": "company_id = merged_by.id",
    "priorities": f"{_RANK} = {_RANK.replace('priority', '({}::text[])[1]', 1)}",
}
"""The conditions of an index that serves a filter together with the order."""
_COUNTED = {"within_queues": "queue_id = any({}::uuid[])", "within_companies": "company_id = any({}::uuid[])"}
"""Those of a count, which needs no order."""
_RANKS_OF = f"""{_RANK} between (select min({_RANK}) from unnest({{0}}::text[]) priority)
                       and (select max({_RANK}) from unnest({{0}}::text[]) priority)"""
"""Where the tickets of some priorities begin and end in an index by priority."""
_WITH_PRIORITY = ((), ("company_id",), ("assignee_id",), ("queue_id",))
"""The drivers that an index of open tickets has together with the priority."""
_DRIVERS = ("company_id", "assignee_id", "queue_id", "team_id", "within_companies", "within_queues")
"""A list goes by the first of these filters that it has."""
_OF_COMPANY = {"company_id", "within_companies"}
"""The drivers whose indexes hold finished tickets, too."""
_MERGED = {
    "team_id": "(select id from queue where team_id = {})",
    "within_queues": "unnest({}::uuid[])",
    "within_companies": "unnest({}::uuid[])",
}
"""What has the walks whose merge is a list: the queues of a team, or some queues or companies."""


def few_of(names: Collection[str]) -> str | None:
    """Return the filter that few tickets match, if one of these is such; a list is of those tickets, sorted.

    A company has one contact in very many tickets, perhaps: within a company they are checked on the way.
    """
    return next((name for name in _FEW if name in names and not (name == "contact" and "company_id" in names)), None)


class Shape(NamedTuple):
    """What a statement depends on: the names of the filters, and the state, order, size and audience of the list.

    ``has_span`` is whether the list is limited to a span of the time that it is sorted by.
    """

    names: tuple[str, ...]
    state: str
    order: Order | OwnKind
    bound: int
    newest_first: bool
    for_staff: bool
    has_span: bool = False

    @property
    def key(self) -> str:
        """The expression of the sort key, as the indexes have it."""
        if isinstance(self.order, OwnKind):
            return values.key(self.order)
        return _SEEN if self.order is Order.UPDATED and not self.for_staff else KEYS[self.order]

    @property
    def direction(self) -> str:
        """How the keys and the numbers are sorted."""
        return "desc" if self.newest_first else "asc"

    @property
    def driver(self) -> tuple[str, ...]:
        """The filters by which the list finds its tickets; none if it walks all of them."""
        if isinstance(self.order, OwnKind):
            return ("has_own", *[name for name in _DRIVERS if name in self.names][:1])
        is_by_reminder = self.order is Order.REMINDER
        names = [name for name in self.names if not (is_by_reminder and "reminder" in name)]
        if few := few_of(names):
            return (few,)
        if is_by_reminder:  # few tickets have one, and one index has those of everybody
            return ()
        by_value = ("own_field", "own_number") if self.state == "open" else ("own_field",)
        if self.order is Order.NUMBER and (own := [name for name in by_value if name in self.names]):
            return (own[0],)
        if self.order is Order.NUMBER and {"company_id", "service_id"} <= set(self.names):
            return "company_id", "service_id"
        is_of_open = self.order is not Order.CREATED or self.state == "open"
        drivers = (name for name in _DRIVERS if is_of_open or name in _OF_COMPANY)
        drivers = (name for name in drivers if name != "within_queues" or self.state == "open")
        return next(((name,) for name in drivers if name in self.names), ())

    def sorted_by(self, key: str, number: str = "number") -> str:
        """Return the sort clause, by what the sort key and the number are called."""
        tie = "" if self.order is Order.NUMBER else f", {number} {self.direction}"
        return f"order by {key} {self.direction}{tie}"


@lru_cache(maxsize=2048)
def ordered_statement(shape: Shape) -> str:
    """Return the statement of a list: it has the conditions of its filters and no others.

    It binds the limit; the sort key of the last ticket, and its number unless that is the key; with ``has_span`` the
    other end of the span; the values of the filters in the order of their names.

    The tickets with an external id or a case, of a contact, or that a user watches or gets copies of, are few: they are
    sorted.
    Every other list walks an index in its order, behind ``offset 0``, and conditions that the index does not have are
    checked on the way. The list of a team merges the walks of its queues, one within limits those of its queues or
    companies, and a list by creation of both states those of the states.
    """
    places = _places(shape)
    walks = [_walk(shape, source, checks) for source, checks in _sources(shape, places)]
    tickets = walks[0] if len(walks) == 1 else f"({' union all '.join(walks)})"
    if (merged := next((name for name in shape.driver if name in _MERGED), None)) is not None:
        tickets = f"""(select merged.* from {_MERGED[merged].format(places[merged][0])} merged_by (id)
            cross join lateral {tickets} merged)"""
    return f"""
    select {VIEWS[shape.for_staff]}
      from (select * from (select * from {tickets} merged {shape.sorted_by("sort_key")} limit {shape.bound}) bounded
             {shape.sorted_by("sort_key")} limit $1) t {NAMES}
     {shape.sorted_by("t.sort_key", "t.number")}
    """


def _walk(shape: Shape, source: str, checks: list[str]) -> str:
    """Return the statement of the first tickets of a source that pass the checks.

    A source that is walked has its order already. A second clause would have it planned for all of its rows, not for a
    page: where few of all tickets are open, all open ones would be read and sorted. Without one, a list of both states
    that is checked could be planned to sort all tickets.
    """
    is_whole = not checks or shape.state == "open" or shape.driver == ("own_field",)
    is_sorted = not set(shape.driver) & set(_FEW) and is_whole
    order = "" if is_sorted else shape.sorted_by("sort_key")
    where = " and ".join(checks) or "true"
    return f"(select * from ({source} offset 0) walked where {where} {order} limit {shape.bound})"


def _places(shape: Shape) -> dict[str, list[str]]:
    """Return the places of the values of each filter, which come after those of the edges."""
    places, place = {}, (3 if shape.order is Order.NUMBER else 4) + shape.has_span
    for name in shape.names:
        count = CHECKS[shape.for_staff][name].count("{}")
        places[name] = [f"${place + offset}" for offset in range(count)]
        place += count
    return places


def _edges(shape: Shape, key: str) -> list[str]:
    """Return the conditions on the sort key, which is called ``key``."""
    past = "<" if shape.newest_first else ">"
    if shape.order is Order.NUMBER:
        return [f"{key} {past} $2"]
    span = f"{key} {'>=' if shape.newest_first else '<'} $4"
    return [f"({key}, number) {past} ($2, $3)", *([span] if shape.has_span else [])]


def _sources(shape: Shape, places: dict[str, list[str]]) -> list[tuple[str, list[str]]]:  # noqa: C901 - one branch for each way of reading
    """Return the statements that read tickets with their sort keys, each with the conditions that are checked on it."""
    checks = {name: CHECKS[shape.for_staff][name].format(*places[name]) for name in shape.names}
    state, driver = _STATES[shape.state], shape.driver
    for name in driver:
        if name in _FEW:
            few = f"select *, {shape.key} as sort_key from {_FEW[name].format(*places[name])}"
            has_key = [_HAS_REMINDER] if shape.order is Order.REMINDER else []
            return [(few, [state, *has_key, *_edges(shape, "sort_key"), *checks.values()])]
    if driver in values.READS:
        others = [check for name, check in checks.items() if name not in {*driver, "company_id"}]
        source = values.READS[driver](
            *places[driver[0]], company=_company(places), state=shape.state, past=_edges(shape, "ticket_number"),
            direction=shape.direction,
        )  # fmt: skip
        return [(source, others if shape.state != "finished" else [state, *others])]
    others = [check for name, check in checks.items() if name not in driver]
    if isinstance(shape.order, OwnKind):
        field, scope = places["has_own"][0], [_WALKED[name].format(*places[name]) for name in driver[1:]]
        past = "<" if shape.newest_first else ">"
        return [(values.in_order(shape.order, field, scope, past=past, direction=shape.direction), others)]
    walk = [_WALKED[name].format(*places[name]) for name in driver]
    states = [state]
    if shape.order is Order.CREATED and not _OF_COMPANY.isdisjoint(driver):
        states, others = ["true"], [state, *others]
    elif shape.order is Order.CREATED and not driver:
        states = [*_BY_STATE.get(shape.state, (*_BY_STATE["open"], *_BY_STATE["finished"]))]
    elif shape.order is Order.REMINDER:
        states, others = [_HAS_REMINDER], [state, *others]
    elif shape.order in _MARKS:
        walk.append(f"number <> {_MARKS[shape.order]}")
        if shape.order is Order.OCCURRED and not driver:
            states = [*_BY_STATE["open"]]
    if shape.order is Order.OCCURRED and shape.has_span:
        others.append("walked.occurred_at is not null")
    if shape.order is Order.PRIORITY and "priorities" in places:
        walk.append(_RANKS_OF.format(places["priorities"][0]))
    order = shape.sorted_by(shape.key)
    walks = (" and ".join([*walk, each, *_edges(shape, shape.key)]) for each in states)
    return [(f"select *, {shape.key} as sort_key from ticket where {where} {order}", others) for where in walks]


def _company(places: dict[str, list[str]]) -> str | None:
    return places["company_id"][0] if "company_id" in places else None


def count_driver(given: Mapping[str, Any], state: State, *, for_staff: bool) -> tuple[str, ...]:
    """Return the filters by which a count finds its tickets, of all filters that are given with their values.

    It goes further than the list: of open tickets, an index also has those of one priority.
    """
    walked = tuple(name for name in given if name not in {*_FEW, "own_field", "own_number", "has_own"})
    driver = Shape(walked, state, Order.NUMBER, 1, newest_first=True, for_staff=for_staff).driver
    is_of_one = state == "open" and len(given.get("priorities", ())) == 1
    return (*driver, "priorities") if is_of_one and driver in _WITH_PRIORITY else driver


@lru_cache(maxsize=512)
def count_statement(
    lists: tuple[tuple[str, ...], ...], driver: tuple[str, ...], state: State, walked: int, *, for_staff: bool
) -> str:
    """Return the statement that counts the tickets of some lists among the first ``walked`` of their index.

    Each list is given by the names of its filters. All have the same driver, whose values are bound first; then those
    of the other filters of each list, in the order of their names. The statement returns how many tickets were walked,
    and of each list how many matched. The limit makes the planner walk in order, and stop: a bitmap would have all of
    a queue.
    """
    walked_by = _WALKED | _COUNTED
    bound = [name for name in driver if "{}" in walked_by[name]]
    walk = [*(walked_by[name].format(f"${place}") for place, name in enumerate(bound, 1)), _STATES[state]]
    walk += [walked_by[name] for name in driver if name not in bound]
    if "priorities" in driver:
        walk.append(f"number <> {_MARKS[Order.PRIORITY]}")
    counts, place = ["count(*)"], len(bound) + 1
    for names in lists:
        checks = []
        for name in names:
            if name not in driver:
                check = CHECKS[for_staff][name]
                checks.append(check.format(*(f"${place + offset}" for offset in range(check.count("{}")))))
                place += check.count("{}")
        counts.append(f"count(*) filter (where {' and '.join(checks) or 'true'})")
    return f"""
    select {", ".join(counts)}
      from (select * from ticket where {" and ".join(walk)} order by number desc limit {walked}) walked
    """


@lru_cache(maxsize=512)
def matching_statement(names: tuple[str, ...], state: str, *, for_staff: bool) -> str:
    """Return the statement that says which of some tickets match a filter, whatever their order.

    It binds the numbers, then the values of the filters in the order of their names.
    """
    checks, place = [_STATES[state]], 2
    for name in names:
        check = CHECKS[for_staff][name]
        checks.append(check.format(*(f"${place + offset}" for offset in range(check.count("{}")))))
        place += check.count("{}")
    return f"""select number from (select * from ticket where number = any($1::bigint[]) offset 0) walked
                where {" and ".join(checks)}"""


NUMBERED = {
    for_staff: f"""select {VIEWS[for_staff]} from ticket t {NAMES}
                    where t.number = any($1::bigint[]) and ($2::uuid is null or t.company_id = $2)"""
    for for_staff in (True, False)
}
"""The statements that read tickets by their numbers, of one company or of all."""
