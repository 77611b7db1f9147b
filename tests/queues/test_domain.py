from uuid import UUID

import pytest
from msgspec.structs import replace

from clearline.inventory.domain import ServiceType
from clearline.queues.domain import Agent, Assignment, Choice, Queue, check_queue, choose_agent
from clearline.routing.domain import RoutingFacts, RoutingRule, check_rule, choose_rule, judge
from clearline.tickets.domain import IssueType, Priority
from tests.conftest import NOW

ANN, BEN, CLEO = (Agent(UUID(int=n), name, load) for n, name, load in ((3, "Ann", 2), (2, "Ben", 1), (1, "Cleo", 1)))
COMPANY, OTHER = UUID(int=10), UUID(int=11)
FACTS = RoutingFacts(
    IssueType.CIRCUIT_DOWN,
    ServiceType.PORT,
    COMPANY,
    Priority.CRITICAL,
    "Circuit down at Berlin",
    "BGP is idle on xe-0/0/1.100\nsince  the fibre\ncut. Straße 5, ask noc@example.com",
)
RULE = RoutingRule(UUID(int=20), 1, "All", UUID(int=30), (), (), (), (), (), True, NOW)
QUEUE = Queue(UUID(int=30), "NOC", "", None, Assignment.MANUAL, None, NOW)


@pytest.mark.parametrize(
    ("last", "expected"),
    [
        (None, ANN),
        (("Ann", ANN.id), BEN),
        (("Ben", BEN.id), CLEO),
        (("Cleo", CLEO.id), ANN),
        (("Bella", UUID(int=99)), BEN),
        (("Ben", UUID(int=1)), BEN),
    ],
    ids=["nobody yet", "first", "second", "last", "one who left", "a namesake with a smaller id"],
)
def test_turns_go_by_name_and_go_on_behind_whoever_had_the_last(last: tuple[str, UUID] | None, expected: Agent) -> None:
    assert choose_agent(Assignment.ROUND_ROBIN, [CLEO, ANN, BEN], last).agent == expected


def test_the_least_loaded_is_chosen_and_of_equals_the_first_by_name() -> None:
    assert choose_agent(Assignment.LEAST_LOADED, [CLEO, ANN, BEN], None) == Choice(
        BEN, "has the fewest open tickets: 1"
    )


@pytest.mark.parametrize(
    ("mode", "agents", "why"),
    [
        (Assignment.MANUAL, [ANN], "the queue leaves it to people"),
        (Assignment.ROUND_ROBIN, [], "nobody of the team is available"),
        (Assignment.LEAST_LOADED, [], "nobody of the team is available"),
    ],
)
def test_nobody_is_chosen_for_a_reason(mode: Assignment, agents: list[Agent], why: str) -> None:
    assert choose_agent(mode, agents, None) == Choice(None, why)


@pytest.mark.parametrize(
    ("field", "holding", "failing"),
    [
        ("issue_types", (IssueType.OTHERS, IssueType.CIRCUIT_DOWN), (IssueType.OTHERS,)),
        ("service_types", (ServiceType.PORT,), (ServiceType.CLOUD_ROUTER,)),
        ("company_ids", (OTHER, COMPANY), (OTHER,)),
        ("priorities", (Priority.HIGH, Priority.CRITICAL), (Priority.LOW,)),
        ("keywords", ("ospf", "bgp"), ("ospf",)),
        ("is_active", True, False),
    ],
)
def test_a_rule_matches_when_every_condition_holds(field: str, holding: object, failing: object) -> None:
    matching = replace(RULE, **{field: holding})
    [verdict] = judge([matching], FACTS)
    assert verdict.failed == ()
    [verdict] = judge([replace(matching, **{field: failing})], FACTS)
    assert verdict.failed == (field,)


def test_every_condition_that_fails_is_named() -> None:
    rule = replace(RULE, company_ids=(OTHER,), priorities=(Priority.LOW,), keywords=("ospf",))
    assert judge([rule], FACTS)[0].failed == ("company_ids", "priorities", "keywords")


def test_the_first_matching_rule_chooses() -> None:
    first = replace(RULE, id=UUID(int=1), is_active=False)
    second, third = replace(RULE, id=UUID(int=2)), replace(RULE, id=UUID(int=3))
    assert choose_rule([first, second, third], FACTS) == second
    assert choose_rule([first], FACTS) is None


@pytest.mark.parametrize(
    ("keyword", "found"),
    [
        ("bgp", True),
        ("BERLIN", True),
        ("STRASSE", True),
        ("xe-0/0/1.100", True),
        ("xe-0/0/1", False),
        ("0/0/1.100", False),
        ("100", False),
        ("fibre cut", True),
        ("Fibre \n CUT", True),
        ("fibre cut.", True),
        ("cut", True),
        ("ut", False),
        ("fib", False),
        ("berlin bgp", False),
        ("noc@example.com", True),
        ("example.com", True),
        ("example", False),
        ("x.-0", False),
    ],
)
def test_a_keyword_is_found_as_a_whole_word_in_any_case(keyword: str, *, found: bool) -> None:
    assert (choose_rule([replace(RULE, keywords=(keyword,))], FACTS) is not None) is found


@pytest.mark.parametrize(
    ("values", "broken"),
    [
        ({}, []),
        ({"name": ""}, ["name"]),
        ({"keywords": (" \t",)}, ["keywords"]),
        ({"keywords": ("",)}, ["keywords"]),
        ({"keywords": ("x" * 101,)}, ["keywords"]),
        ({"keywords": tuple("x" * 101)}, ["keywords"]),
        ({"company_ids": tuple(UUID(int=n) for n in range(101))}, ["company_ids"]),
        ({"keywords": ("a\0b",)}, ["keywords"]),
    ],
)
def test_a_rule_keeps_its_limits(values: dict[str, object], broken: list[str]) -> None:
    assert [violation.field for violation in check_rule(replace(RULE, **values))] == broken


@pytest.mark.parametrize(
    ("values", "broken"),
    [
        ({}, []),
        ({"name": "x" * 256}, ["name"]),
        ({"description": "x" * 1001}, ["description"]),
        ({"assignment": Assignment.ROUND_ROBIN}, ["team_id"]),
        ({"assignment": Assignment.LEAST_LOADED}, ["team_id"]),
        ({"assignment": Assignment.LEAST_LOADED, "team_id": UUID(int=40)}, []),
    ],
)
def test_a_queue_keeps_its_limits_and_has_a_team_when_it_assigns_by_itself(
    values: dict[str, object], broken: list[str]
) -> None:
    assert [violation.field for violation in check_queue(replace(QUEUE, **values))] == broken
