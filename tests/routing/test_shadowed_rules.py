"""Rules behind a rule that takes all their tickets."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from msgspec.structs import replace

from clearline.catalogue.assessment import Priority
from clearline.catalogue.published import IssueType, ServiceType
from clearline.routing.domain import RoutingRule, shadowed_rules
from tests.builders.people import NOW

BIRCH, CEDAR = uuid4(), uuid4()
ALL = len(IssueType), len(ServiceType)


def rule(position: int, **values: Any) -> RoutingRule:
    every = RoutingRule(
        UUID(int=position),
        position,
        f"Rule {position}",
        UUID(int=0),
        (),
        (),
        (),
        (),
        (),
        is_active=True,
        created_at=NOW,
    )
    return replace(every, **values)


@pytest.mark.parametrize(
    ("earlier", "later", "takes_all"),
    [
        ({}, {}, True),
        ({}, {"keywords": ("bgp",)}, True),
        ({"keywords": ("bgp",)}, {}, False),
        ({"priorities": (Priority.LOW,)}, {"priorities": (Priority.LOW,)}, True),
        ({"priorities": (Priority.LOW,)}, {"priorities": (Priority.LOW, Priority.HIGH)}, False),
        ({"priorities": tuple(Priority)}, {}, True),
        ({"issue_types": tuple(IssueType), "service_types": tuple(ServiceType)}, {"company_ids": (BIRCH,)}, True),
        ({"company_ids": (BIRCH, CEDAR)}, {"company_ids": (CEDAR,), "keywords": ("bgp",)}, True),
        ({"company_ids": (BIRCH,)}, {"company_ids": (CEDAR,)}, False),
        ({"keywords": ("BGP",)}, {"keywords": ("bgp session",)}, True),
        ({"keywords": ("bgp session",)}, {"keywords": ("bgp",)}, False),
        ({"keywords": ("xe-0/0/1",)}, {"keywords": ("xe-0/0/1.100",)}, False),
        ({"keywords": ("bgp",)}, {"keywords": ("bgp", "ospf")}, False),
        ({"keywords": ("bgp",), "company_ids": (BIRCH,)}, {"keywords": ("bgp",)}, False),
    ],
)
def test_a_rule_is_shadowed_by_one_whose_conditions_always_hold(
    earlier: dict[str, Any], later: dict[str, Any], *, takes_all: bool
) -> None:
    first, second = rule(1, **earlier), rule(2, **later)
    assert shadowed_rules([first, second], *ALL) == ({second.id: first} if takes_all else {})


def test_an_inactive_rule_takes_nothing_and_is_not_shadowed() -> None:
    first, second, third = rule(1, is_active=False), rule(2), rule(3, is_active=False)
    assert shadowed_rules([first, second, third], *ALL) == {}


def test_the_first_rule_that_takes_all_is_named() -> None:
    rules = [rule(1, keywords=("bgp",)), rule(2), rule(3, keywords=("bgp",)), rule(4, company_ids=(BIRCH,))]
    assert shadowed_rules(rules, *ALL) == {rules[2].id: rules[0], rules[3].id: rules[1]}


def test_a_rule_for_companies_is_shadowed_by_one_for_any_or_for_all_of_them() -> None:
    some = [rule(1, company_ids=(BIRCH,), keywords=("bgp",)), rule(2, keywords=("bgp",)), rule(3, company_ids=(CEDAR,))]
    both = rule(4, company_ids=(BIRCH, CEDAR), keywords=("bgp",))
    cedar, birch = rule(5, company_ids=(CEDAR,), keywords=("bgp",)), rule(6, company_ids=(BIRCH,))
    assert shadowed_rules([*some, both, cedar, birch], *ALL) == {both.id: some[1], cedar.id: some[1]}
    assert shadowed_rules([some[2], cedar, some[1]], *ALL) == {cedar.id: some[2]}
