from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clearline.errors import InvalidInput
from clearline.identity import Company
from clearline.inventory.domain import ServiceType
from clearline.search import document as documents
from clearline.search.document import Document, day_facets, facet, pairs, vector
from clearline.search.language import (
    CUSTOMER_FILTERS,
    STAFF_FILTERS,
    Clause,
    Facets,
    Named,
    Phrase,
    Term,
    Word,
    clause,
    parse,
)
from clearline.search.plan import Attempt, Plan, Statistics
from clearline.search.words import WORD_MAX, fold, phone_words, units
from clearline.tickets.contact import Contact
from clearline.tickets.domain import (
    Channel,
    Impact,
    IssueType,
    Priority,
    Severity,
    Status,
    Ticket,
    TicketView,
)

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
COMPANY = Company(UUID(int=7), "Birch Telecom", "BIR001")


def lexemes(text: str) -> set[str]:
    return {lexeme for unit in units(text) for lexeme in (*unit.parts, *(one for _, one in unit.variants))}


def places(text: str) -> dict[str, list[str]]:
    """The words of a vector as PostgreSQL would read it, without facets and pairs."""
    found = {}
    for item in text.split(" '"):
        lexeme, _, where = item.strip("'").rpartition("':")
        if lexeme and not lexeme.startswith("="):
            found[lexeme] = where.split(",")
    return found


def a_document(**more: Any) -> Document:
    ticket = Ticket(
        COMPANY.id,
        1234,
        more.get("title", "Port is slow"),
        more.get("description", "Since 08:00"),
        IssueType.SLOW_RESPONSE,
        ServiceType.PORT,
        "NET-AMS-0012",
        "Amsterdam 12",
        Severity.MODERATE,
        Impact.DEGRADED,
        Priority.MEDIUM,
        Status.HELD,
        Contact("Ada Okoro", "+1-555-0199", "ada.okoro@birch.example.com"),
        Channel.API,
        AT,
        AT,
        AT,
        None,
        1,
        tags=more.get("tags", ()),
        external_ids={"snow": "CHG0030001"},
    )
    return Document(
        TicketView(ticket, COMPANY),
        more.get("public_notes", []),
        more.get("internal_notes", []),
        more.get("public_files", []),
        more.get("internal_files", []),
        more.get("watchers", []),
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Port is SLOW", {"port", "is", "slow"}),
        ("NET-AMS-0012", {"net-ams-0012", "ams-0012", "net", "ams", "0012", "12"}),
        ("INC000000001234", {"inc000000001234", "1234"}),
        ("203.0.113.7, 198.51.100.0/28.", {"203.0.113.7", "198.51.100.0", "198.51.100.0/28"}),
        ("203.0.113.7:443", {"203.0.113.7"}),
        ("at 2001:DB8:0:0::1: down", {"at", "2001:db8::1", "down"}),
        ("2001:db8::/32", {"2001:db8::", "2001:db8::/32"}),
        ("00:1B:21:ab:cd:EF", {"001b21abcdef", "00:1b:21:ab:cd:ef"}),
        ("001b.21ab.cdef", {"001b21abcdef", "001b.21ab.cdef"}),
        ("AS64496 and VLAN 100", {"as64496", "64496", "and", "vlan", "100", "vlan100"}),
        ("ASN 64496", {"asn", "64496", "as64496"}),
        ("xe-0/0/1", {"xe-0/0/1", "0/0/1", "0/1", "xe", "0", "1"}),
        ("Gi0/1", {"gi0/1", "gi0", "1"}),
        (
            "ada.okoro@example.com",
            {
                "ada.okoro@example.com",
                "ada.okoro",
                "okoro@example.com",
                "example.com",
                "ada",
                "okoro",
                "example",
                "com",
            },
        ),
        (
            "+1-555-0199",
            {"1-555-0199", "555-0199", "1", "555", "0199", "199", "15550199", "5550199"},
        ),
        ("MÜNCHEN Straße \uff46\uff55\uff4c\uff4c", {"munchen", "strasse", "full"}),
        ("東京都", {"東京", "京都", "都"}),
        ("VLAN設定9", {"vlan", "設定", "定", "9"}),
        ("हिन्दी ไทยที่", {"हिन्दी", "ไทยที่"}),
        ("https://example.com/a--b", {"https", "example.com/a", "com/a", "example", "com", "a", "b"}),
        ("=company: !& | * '\\", {"company"}),
        ("", set()),
    ],
)
def test_a_text_is_cut_into_words_whole_and_in_parts(text: str, expected: set[str]) -> None:
    assert lexemes(text) == expected


@given(st.text(max_size=300))
@settings(max_examples=300)
def test_no_text_makes_a_facet_or_a_word_that_is_too_long(text: str) -> None:
    for lexeme in lexemes(text):
        assert 0 < len(lexeme) <= WORD_MAX
        assert lexeme[0] != facet("is")[0]
        assert not set(lexeme) & set(" '\\=\0")


@given(st.text(max_size=40))
@settings(max_examples=300)
def test_a_query_for_a_whole_text_asks_for_words_that_the_text_has(text: str) -> None:
    kept = lexemes(text)
    for unit in units(text):
        assert unit.is_chain or unit.lookup in kept or any(one.startswith(unit.lookup) for one in kept)


def test_the_digits_of_a_telephone_number_are_kept_from_each_group_on() -> None:
    assert phone_words("+1 (555) 0199") == ["15550199", "5550199", "0199"]
    assert phone_words("") == []


def test_what_only_the_provider_sees_is_kept_as_other_words() -> None:
    found = places(
        vector(
            a_document(
                tags=("urgent",),
                public_notes=["publicly"],
                internal_notes=["secretly publicly"],
                public_files=["trace.pcap"],
                internal_files=["invoice.pdf"],
            )
        )
    )
    weights = {lexeme: {place[-1] for place in where} for lexeme, where in found.items()}
    expected = {
        "A": ("inc000000001234", "1234", "net-ams-0012", "12", "chg0030001"),
        "B": ("port", "amsterdam", "okoro", "birch", "bir001", "15550199", "ada.okoro@birch.example.com"),
        "C": ("since", "trace.pcap", "trace"),
        "D": ("~secretly", "~urgent", "~invoice.pdf", "~invoice"),
    }
    for weight, words in expected.items():
        assert {word: {*weights[word]} for word in words if word != "12"} == {
            word: {weight} for word in words if word != "12"
        }
    assert (weights["publicly"], weights["~publicly"]) == ({"C"}, {"D"})
    assert not {"secretly", "urgent", "invoice"} & set(weights)
    assert weights["12"] == {"A", "B"}


def test_what_only_the_provider_sees_changes_nothing_of_what_a_customer_finds_by() -> None:
    notes = [f"word{number} " * 700 for number in range(200)]
    plain = places(vector(a_document(description="long " * 6000, public_notes=notes)))
    loaded = places(
        vector(a_document(description="long " * 6000, public_notes=notes, internal_notes=notes[::-1], tags=("a", "b")))
    )
    public = {
        lexeme: kept for lexeme, where in loaded.items() if (kept := [place for place in where if place[-1] != "D"])
    }
    assert public == plain


def test_a_ticket_with_huge_notes_stays_far_below_what_the_database_takes_and_keeps_the_newest() -> None:
    text = " ".join(chr(0x4E00 + n % 20_000) * 2 + f"{n:x}" for n in range(32_000))
    notes = [f"newest {text[:3000]}", *(f"old{number} {text[number * 50 :][:4000]}" for number in range(199))]
    made = vector(a_document(description=text, public_notes=notes, internal_notes=notes))
    found = places(made)
    assert len(made.encode()) < 800_000
    assert len(found) <= 6_000
    assert "newest" in found
    assert "old198" not in found
    assert max(int(place[:-1]) for where in found.values() for place in where) <= 16_383
    assert max(len(where) for where in found.values()) <= 250


def test_a_facet_is_kept_for_everything_that_tickets_are_filtered_by() -> None:
    person = UUID(int=3)
    assert {
        "=is:open",
        "=status:held",
        "=service:port",
        "=service-id:net-ams-0012",
        "=issue:slow response",
        "=priority:medium",
        "=severity:moderate",
        "=assignee:none",
        "=queue:none",
        "=tag:urgent",
        f"=watcher:{person}",
        f"=company:{COMPANY.id}",
        "=number:1234",
        "=n:1",
        "=nn:0",
        "=nnn:0",
        "=d:2026-03-01",
        "=m:2026-03",
        "=y:2026",
    } == set(documents.facets(a_document(tags=("urgent",), watchers=[person])))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("port Slow", [Term(Word("port", True)), Term(Word("slow", True))]),
        ("a", [Term(Word("a", False))]),
        ("都", [Term(Word("都", True))]),
        ("東京都", [Term(Phrase(((0, "東京"), (1, "京都"))))]),
        ("-loss", [Term(Word("loss", False), True)]),
        ('"port down"', [Term(Phrase(((0, "port"), (1, "down"))))]),
        ('-"port down"', [Term(Phrase(((0, "port"), (1, "down"))), True)]),
        ('"東京 port"', [Term(Phrase(((0, "東京"), (1, "京"), (2, "port"))))]),
        ('"port 東京"', [Term(Phrase(((0, "port"), (1, "東京"))))]),
        ("“port”", [Term(Word("port", False))]),
        ('"NET-AMS', [Term(Phrase(((0, "net"), (1, "ams"))))]),
        ("net-ams-00", [Term(Word("net-ams-00", True))]),
        ("203.0.113.7", [Term(Word("203.0.113.7", False))]),
        ("203.0.113", [Term(Word("203.0.113", True))]),
        ("2001:DB8::1", [Term(Word("2001:db8::1", False))]),
        ("dead:beef::1", [Term(Word("dead:beef::1", False))]),
        ("https://example.com", [Term(Word("https", True)), Term(Word("example.com", True))]),
        ("inc000000000042", [Term(Word("inc000000000042", False))]),
        ("+1-555", [Term(Word("1555", True))]),
        ("loss,jitter", [Term(Word("loss", True)), Term(Word("jitter", True))]),
        ("loss & ?", [Term(Word("loss", True))]),
        ("status:open", [Term(Facets(("=is:open",)))]),
        ("STATUS:Closed", [Term(Facets(("=is:closed",)))]),
        ("-status:held", [Term(Facets(("=status:held",)), True)]),
        ('status:"in progress"', [Term(Facets(("=status:in_progress",)))]),
        ("service:port", [Term(Facets(("=service:port",)))]),
        ('service:"Internet on Demand"', [Term(Facets(("=service:internet on demand",)))]),
        ("service:NET-AMS-0012", [Term(Facets(("=service-id:net-ams-0012",)))]),
        ('issue:"Circuit Down"', [Term(Facets(("=issue:circuit down",)))]),
        ("priority:HIGH severity:minor", [Term(Facets(("=priority:high",))), Term(Facets(("=severity:minor",)))]),
        ("number:INC000000000042", [Term(Facets(("=number:42",)))]),
        ("number:42", [Term(Facets(("=number:42",)))]),
        ("tag:Fibre/North", [Term(Facets(("=tag:fibre/north",)))]),
        ("company:ALD001", [Term(Named("company", "ALD001"))]),
        ("assignee:me -queue:none", [Term(Named("assignee", "me")), Term(Named("queue", "none"), True)]),
        ("watcher:me", [Term(Named("watcher", "me"))]),
        ("created:2026-01-05", [Term(Facets(("=d:2026-01-05",)))]),
        ("created:<2000-01-01", [Term(Facets(()))]),
    ],
)
def test_a_query_is_read_as_conditions(text: str, expected: list[Term]) -> None:
    assert parse(text, staff=True) == expected


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("x" * 501, "at most 500 characters"),
        ("a\0b", "cannot be stored"),
        ("\ud800", "cannot be stored"),
        ("a " * 31, "at most 30 words and filters"),
        ("?! -", "must have a letter or a digit"),
        ('""', "must have a letter or a digit"),
        ("colour:red", "no filter colour: it must be one of status, service"),
        ("status:lost", "unknown status: it must be one of open, acknowledged"),
        ("priority:urgent", "it must be one of low, medium, high, critical"),
        ("severity:bad", "it must be one of minor"),
        ("issue:fire", "it must be one of Application, Circuit Down"),
        ("number:seven", "it must be like INC000000000042"),
        ("created:yesterday", "it must be a day such as"),
        ("created:>=2026-02-30", "it must be a day such as"),
        ('tag:""', "filter tag without a value"),
        ('service:""', "filter service without a value"),
    ],
)
def test_what_cannot_be_understood_is_refused_and_what_is_allowed_is_named(text: str, rule: str) -> None:
    with pytest.raises(InvalidInput, match="q ") as refused:
        parse(text, staff=True)
    [violation] = refused.value.violations
    assert violation.field == "q"
    assert rule in violation.rule


@pytest.mark.parametrize("name", sorted({*STAFF_FILTERS} - {*CUSTOMER_FILTERS}))
def test_a_filter_of_the_staff_is_unknown_to_a_customer(name: str) -> None:
    rules = []
    for filter_name in (name, "nonsense"):
        with pytest.raises(InvalidInput) as refused:
            parse(f"{filter_name}:minor", staff=False)
        rules.append(str(refused.value).replace(filter_name, "X"))
    assert rules[0] == rules[1]
    assert not any(other in rules[0] for other in {*STAFF_FILTERS} - {*CUSTOMER_FILTERS})


@pytest.mark.parametrize("name", CUSTOMER_FILTERS)
def test_a_customer_may_use_the_filters_of_customers(name: str) -> None:
    values = {"issue": "Others", "priority": "low", "number": "1", "created": "2026-01-01", "service": "port"}
    assert parse(f"{name}:{values.get(name, 'open')}", staff=False)


@pytest.mark.parametrize(
    "query", ["created:>=2024-02-10", "created:>2025-12-31", "created:<2026-03-01", "created:<=2026-01-31"]
)
def test_a_span_of_days_is_made_of_few_facets_that_hold_each_day_once(query: str) -> None:
    [term] = parse(query, staff=False)
    assert isinstance(term.condition, Facets)
    assert len(term.condition.any_of) < 180
    sign, day = query.removeprefix("created:").rstrip("0123456789-"), date.fromisoformat(query[-10:])
    compare = {">=": day.__le__, ">": day.__lt__, "<": day.__gt__, "<=": day.__ge__}[sign]
    for offset in range(-800, 800):
        other = day + timedelta(offset)
        assert sum(one in term.condition.any_of for one in day_facets(other)) == compare(other), other


def test_a_customer_never_asks_for_a_word_of_what_only_the_provider_sees() -> None:
    terms = parse('loss "port down" x 東京都', staff=False)
    asked = [clause(term.condition, staff=False).query for term in terms if not isinstance(term.condition, Named)]
    assert asked == ["'loss':*", "'port' <1> 'down'", "'x'", "'東京' <1> '京都'"]
    assert [one.condition for one in parse("~loss", staff=False)] == [Word("loss", True)], "no query spells them"


def test_the_staff_asks_for_the_words_of_both() -> None:
    assert clause(Word("loss", True), staff=True).query == "'loss':* | '~loss':*"
    assert clause(Word("loss", False), staff=True).query == "'loss' | '~loss'"
    assert clause(Facets(("=tag:it's\\x",)), staff=True).query == "'=tag:it''s\\\\x'"


def of(query: str) -> list[Clause]:
    return [
        clause(term.condition, staff=True, is_negated=term.is_negated)
        for term in parse(query, staff=True)
        if not isinstance(term.condition, Named)
    ]


def plan(query: str, shares: dict[tuple[str, bool], float], **more: Any) -> Plan:
    known = Statistics(shares, more.get("rare", 0.001))
    company = clause(Facets((facet("company", "x"),)), staff=False) if "company" in more else None
    return Plan(of(query), known, newest=more.get("newest", 1_000_000), needed=more.get("needed", 101), company=company)


def attempts(made: Plan, *, density: float) -> list[Attempt]:
    """The attempts on a desk where so much of the tickets match, until enough are found."""
    done: list[Attempt] = []
    attempt: Attempt | None = made.first()
    while attempt is not None:
        done.append(attempt)
        found = int(density * (1_000_000 - (attempt.oldest or 0)))
        attempt = made.after(attempt, found) if found < 101 else None
    return done


def test_a_rare_word_is_looked_for_everywhere_at_once() -> None:
    first = plan("rare", {}, rare=0.0001).first()
    assert first == Attempt("('rare':* | '~rare':*)", None, None)


def test_a_word_of_a_few_tickets_is_looked_for_among_the_newest_first() -> None:
    first = plan("usual", {("usual", True): 0.01}).first()
    assert first.oldest is not None
    assert 1_000_000 * 0.05 > 1_000_000 - first.oldest > 101 / 0.01
    assert first.index is not None
    assert first.index.startswith("('usual':* | '~usual':*) & ('=n")
    assert first.check is None


@pytest.mark.parametrize("query", ["status:open", "po"])
def test_what_most_tickets_have_needs_no_index(query: str) -> None:
    first = plan(query, {("=is:open", False): 0.9, ("po", True): 0.9}).first()
    assert first.index is None
    assert first.check in {"('=is:open')", "('po':* | '~po':*)"}
    assert first.oldest is not None
    assert 101 / 0.9 < 1_000_000 - first.oldest < 300


def test_a_common_beginning_is_left_to_be_checked_on_what_the_rest_finds() -> None:
    first = plan("po usual", {("po", True): 0.6, ("usual", True): 0.01}).first()
    assert first.check == "('po':* | '~po':*)"
    assert "usual" in (first.index or "")


def test_when_every_ticket_is_to_be_found_the_index_looks_for_a_common_beginning_too() -> None:
    last = plan("po usual", {("po", True): 0.2, ("usual", True): 0.05}).last()
    assert last == Attempt("('usual':* | '~usual':*) & ('po':* | '~po':*)", None, None)
    last = plan("po rare", {("po", True): 0.6}, rare=0.0001).last()
    assert last == Attempt("('rare':* | '~rare':*)", "('po':* | '~po':*)", None)


def test_a_span_of_days_is_checked_rather_than_looked_up() -> None:
    first = plan("created:>=2025-05-15 usual", {("usual", True): 0.02, ("=m:2025-06", False): 0.2}).first()
    assert "=m:2025-06" in (first.check or "")
    assert "=m:2025-06" not in (first.index or "")


def test_an_order_of_words_is_checked_on_tickets_that_have_the_words_and_their_pairs() -> None:
    first = plan('"port down"', {}).first()
    [pair] = pairs(["port", "down"])
    both = f"(('port' & 'down' & '{pair}') | ('~port' & '~down' & '~{pair}'))"
    assert (first.index or "").startswith(both)
    assert first.check == "('port' <1> 'down' | '~port' <1> '~down')"


@pytest.mark.parametrize("density", [0.0, 0.00001, 0.0001, 0.01, 1.0])
@pytest.mark.parametrize(
    "query",
    ["usual", "usual -po", '"port down"', "status:open", "-status:open", "status:open po", "created:>=2025-05-15"],
)
def test_attempts_reach_further_and_further_until_there_are_enough(query: str, density: float) -> None:
    known = {("usual", True): 0.02, ("=is:open", False): 0.3, ("po", True): 0.5, ("=m:2025-06", False): 0.05}
    done = attempts(plan(query, known), density=density)
    reached = [attempt.oldest or 0 for attempt in done]
    assert reached == sorted(reached, reverse=True)
    assert len(set(reached)) == len(reached) <= 7
    assert (reached[-1] == 0) == (density * (1_000_000 - reached[-1]) < 101 or reached[-1] == 0)


def test_a_company_that_has_few_tickets_is_gone_along_when_its_words_are_common() -> None:
    known = {("po", True): 0.5, ("=company:x", False): 0.005}
    first = plan("po", known, company="x").first()
    assert first.index is None
    assert 101 / 0.5 / 0.005 < 1_000_000 - (first.oldest or 0) < 100_000


def test_a_customers_tickets_are_looked_up_together_with_the_company() -> None:
    first = plan("usual", {("usual", True): 0.001, ("=company:x", False): 0.005}, company="x").first()
    assert first.index == "('usual':* | '~usual':*) & ('=company:x')"


@pytest.mark.parametrize(
    ("query", "known", "check"),
    [
        ("-loss", " & !('loss' | '~loss')", None),
        ('-"port down"', "", "!('port' <1> 'down' | '~port' <1> '~down')"),
        ('-"loss"', " & !('loss' | '~loss')", None),
        ("-status:open -tag:x", " & !('=is:open') & !('=tag:x')", None),
    ],
)
def test_a_query_that_only_excludes_begins_with_every_ticket(query: str, known: str, check: str | None) -> None:
    last = plan(query, {}, newest=10).last()
    assert (last.index, last.check) == ("('=is:open' | '=is:closed')" + known, check)


def test_words_that_follow_each_other_are_kept_as_pairs_and_internal_ones_apart() -> None:
    made = vector(a_document(description="alpha bravo charlie", internal_notes=["bravo delta"])).split()
    for pair in pairs(["alpha", "bravo", "charlie"]):
        assert f"'{pair}'" in made
    [internal] = pairs(["bravo", "delta"])
    assert f"'~{internal}'" in made
    assert f"'{internal}'" not in made
    assert pairs(["alpha"]) == pairs([]) == []


def test_text_is_folded_alike_whatever_its_form() -> None:
    assert fold("É") == fold("e\u0301") == fold("e") == "e"
    assert fold("が") == fold("か\u3099") != fold("か")
