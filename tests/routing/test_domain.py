from uuid import UUID

import pytest
from msgspec.structs import replace

from clearline.catalogue.assessment import Priority
from clearline.catalogue.published import IssueType, ServiceType
from clearline.routing.domain import RoutingFacts, RoutingRule, check_rule, choose_rule, evaluate_rules
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
    ("text", "keyword", "matches"),
    [
        ("東京の光ファイバーが断線しました", "光ファイバー", True),
        ("東京の光ファイバーが断線しました", "断線", True),
        ("東京の光ファイバーが断線しました", "停電", False),
        ("東京の光ﾌｧｲﾊﾞｰが断線", "光ファイバー", True),
        ("北京至上海的光缆中断,请处理", "光缆", True),
        ("서울회선이 끊겼습니다", "회선", True),
        ("สายเคเบิลใยแก้วขาดที่กรุงเทพ", "ใยแก้ว", True),
        ("ເຄືອຂ່າຍອິນເຕີເນັດຂັດຂ້ອງ", "ອິນເຕີເນັດ", True),
        ("ကွန်ရက်ပြတ်တောက်နေသည်", "ပြတ်တောက်", True),
        ("ការតភ្ជាប់អ៊ីនធឺណិតដាច់", "អ៊ីនធឺណិត", True),
        ("มีการเปลี่ยนแปลง", "การเปล", False),  # the vowel sign after it is part of its last letter
        ("東京BGPセッション", "bgp", True),
        ("東京BGPセッション", "bg", False),
        ("ลิงก์BGPล่ม", "bgp", True),
        ("東京-1が停止", "東京-1", True),
        ("東京-12が停止", "東京-1", False),
        ("回線 xe-0/0/1.100断", "xe-0/0/1", False),
        ("回線xe-0/0/1断", "xe-0/0/1", True),
        ("Sto\u0308rung in Zu\u0308rich", "Störung", True),
        ("Störung in Zürich", "Sto\u0308rung", True),
        ("Storung in Zurich", "Störung", True),
        ("\uff22\uff27\uff30\u3000\uff44\uff4f\uff57\uff4e", "bgp down", True),
        ("the \ufb01bre cut", "fibre", True),
        ("\u1112\u116c\u1109\u1165\u11ab", "회선", True),
        ("ハ\u3099ックホ\u3099ーン", "バックボーン", True),
        ("ΔΊΚΤΥΟΣ κάτω", "δίκτυος", True),
        ("cafe\u0301s", "cafe", False),
        ("हिन्दी नेटवर्क बंद", "नेटवर्क", True),
        ("हिन्दी नेटवर्क बंद", "दी", False),
        ("हिन्दी नेटवर्क बंद", "नेटवर", False),
        ("router a.b", "a", False),
        ("-bgp- and .ospf.", "ospf", True),
        ("xbgp then bgp", "bgp", True),
    ],
)
def test_a_keyword_is_compared_as_the_search_compares(text: str, keyword: str, *, matches: bool) -> None:
    rule = replace(RULE, keywords=(keyword,))
    for title, description in ((text, ""), ("", text)):
        facts = replace(FACTS, title=title, description=description)
        assert (choose_rule([rule], facts) is not None) is matches


def test_a_keyword_that_folds_to_nothing_matches_nothing() -> None:
    assert choose_rule([replace(RULE, keywords=("\u0301",))], FACTS) is None


@pytest.mark.parametrize(
    ("values", "broken"),
    [
        ({}, []),
        ({"name": ""}, ["name"]),
        ({"keywords": (" \t",)}, ["keywords"]),
        ({"keywords": ("",)}, ["keywords"]),
        ({"keywords": ("\u0301",)}, ["keywords"]),
        ({"keywords": ("x" * 101,)}, ["keywords"]),
        ({"keywords": tuple("x" * 101)}, ["keywords"]),
        ({"company_ids": tuple(UUID(int=n) for n in range(101))}, ["company_ids"]),
        ({"keywords": ("a\0b",)}, ["keywords"]),
    ],
)
def test_a_rule_with_values_beyond_its_limits_is_refused(values: dict[str, object], broken: list[str]) -> None:
    assert [violation.field for violation in check_rule(replace(RULE, **values))] == broken
