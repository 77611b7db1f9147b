from uuid import UUID

import pytest
from msgspec.structs import replace

from clearline.inventory.domain import ServiceType
from clearline.routing.domain import RoutingFacts, RoutingRule, check_rule, choose_rule, evaluate_rules
from clearline.tickets.domain import IssueType, Priority
from tests.builders.people import NOW

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
    [result] = evaluate_rules([matching], FACTS)
    assert result.failed == ()
    [result] = evaluate_rules([replace(matching, **{field: failing})], FACTS)
    assert result.failed == (field,)


def test_every_condition_that_fails_is_named() -> None:
    rule = replace(RULE, company_ids=(OTHER,), priorities=(Priority.LOW,), keywords=("ospf",))
    assert evaluate_rules([rule], FACTS)[0].failed == ("company_ids", "priorities", "keywords")


def test_the_first_matching_rule_chooses() -> None:
    first = replace(RULE, id=UUID(int=1), is_active=False)
    second, third = replace(RULE, id=UUID(int=2)), replace(RULE, id=UUID(int=3))
    assert choose_rule([first, second, third], FACTS) == second
    assert choose_rule([first], FACTS) is None


@pytest.mark.parametrize(
    ("keyword", "matches"),
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
def test_a_keyword_is_found_as_a_whole_word_in_any_case(keyword: str, *, matches: bool) -> None:
    assert (choose_rule([replace(RULE, keywords=(keyword,))], FACTS) is not None) is matches


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
def test_a_rule_with_values_beyond_its_limits_is_refused(values: dict[str, object], broken: list[str]) -> None:
    assert [violation.field for violation in check_rule(replace(RULE, **values))] == broken
