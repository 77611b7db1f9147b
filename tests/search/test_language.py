"""The query language."""

import re
from datetime import UTC, date, datetime, timedelta

import pytest

from clearline.errors import InvalidInput
from clearline.search import filters
from clearline.search.document import day_facets, facet, reminder_facets
from clearline.search.filters import (
    CUSTOMER_FILTERS,
    STAFF_FILTERS,
    Facets,
    Named,
    issue_facets,
    service_facets,
    suggestions,
)
from clearline.search.language import Phrase, Term, Word, clause, parse
from tests.builders.catalogue.entries import issue_entry, published_catalogue, service_entry


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
        ("service:port", [Term(Named("service", "port"))]),
        ('issue:"Circuit Down,Others"', [Term(Named("issue", "Circuit Down,Others"))]),
        ("priority:HIGH severity:minor", [Term(Facets(("=priority:high",))), Term(Facets(("=severity:minor",)))]),
        ("number:INC000000000042", [Term(Facets(("=number:42",)))]),
        ("number:42", [Term(Facets(("=number:42",)))]),
        ("tag:Fibre/North", [Term(Facets(("=tag:fibre/north",)))]),
        ("company:ALD001", [Term(Named("company", "ALD001"))]),
        ("assignee:me -queue:none", [Term(Named("assignee", "me")), Term(Named("queue", "none"), True)]),
        ("watcher:me", [Term(Named("watcher", "me"))]),
        ("created:2026-01-05", [Term(Facets(("=d:2026-01-05",)))]),
        ("created:<2000-01-01", [Term(Facets(()))]),
        ("updated:2026-01-05", [Term(Facets(("=ud:2026-01-05",)))]),
        ("-updated:>=2099-01-01", [Term(Facets(("=uy:2099",)), True)]),
        ("contact:Ada@Example.com", [Term(Facets(("=contact:ada@example.com",)))]),
        ('contact:"Ada Okoro"', [Term(Facets(("=contact:ada okoro",)))]),
        ("cc:Noc@Example.com", [Term(Facets(("=cc:noc@example.com",)))]),
        ("case:FH-7", [Term(Facets(("=case:fh-7",)))]),
        ("external:jira:OPS-17", [Term(Facets(("=external:jira:ops-17",)))]),
        ('external:"Service Now:CHG 3"', [Term(Facets(("=external:service now:chg 3",)))]),
        ("has:file -has:FILE", [Term(Facets(("=file:any",))), Term(Facets(("=file:any",)), True)]),
    ],
)
def test_a_query_is_parsed_into_conditions(text: str, expected: list[Term]) -> None:
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
        ("number:seven", "it must be like INC000000000042"),
        ("created:yesterday", "it must be a day such as"),
        ("created:>=2026-02-30", "it must be a day such as"),
        ("updated:2026", "unknown updated: it must be a day such as"),
        ('contact:""', "filter contact without a value: it must be an e-mail address or a name"),
        ('cc:""', "filter cc without a value: it must be an e-mail address or a name"),
        ('case:""', "filter case without a value: it must be the number of a case at a third party"),
        ("external:OPS-17", "unknown external: it must be the name of a system and its number, such as jira:OPS-17"),
        ("external:jira:", "unknown external: it must be the name of a system"),
        ("has:attachment", "unknown has: it must be file"),
        ('tag:""', "filter tag without a value"),
    ],
)
def test_the_refusal_of_an_invalid_query_names_the_valid_choices(text: str, rule: str) -> None:
    with pytest.raises(InvalidInput, match="q ") as refused:
        parse(text, staff=True)
    [violation] = refused.value.violations
    assert violation.field == "q"
    assert rule in violation.rule


@pytest.mark.parametrize(
    ("query", "facets"),
    [
        ("status:held,pending", ("=status:held", "=status:pending")),
        ("status:open,Cancelled", ("=is:open", "=status:cancelled")),
        ("priority:low,HIGH", ("=priority:low", "=priority:high")),
        ("severity:minor", ("=severity:minor",)),
    ],
)
def test_a_filter_has_several_values_between_commas(query: str, facets: tuple[str, ...]) -> None:
    [term] = parse(query, staff=True)
    assert term.condition == Facets(facets)


@pytest.mark.parametrize("query", ["status:held,", "priority:low,,high", "priority:low,urgent", "severity:,"])
def test_each_of_several_values_must_be_known(query: str) -> None:
    with pytest.raises(InvalidInput, match="it must be one of"):
        parse(query, staff=True)


@pytest.mark.parametrize("name", sorted({*STAFF_FILTERS} - {*CUSTOMER_FILTERS}))
def test_a_filter_of_the_staff_is_unknown_to_a_customer(name: str) -> None:
    rules = []
    for filter_name in (name, "nonsense"):
        with pytest.raises(InvalidInput) as refused:
            parse(f"{filter_name}:minor", staff=False)
        rules.append(re.sub(rf"\b{filter_name}\b", "X", str(refused.value)))
    assert rules[0] == rules[1]
    assert not {*re.findall("[a-z]+", rules[0])} & ({*STAFF_FILTERS} - {*CUSTOMER_FILTERS})


@pytest.mark.parametrize(("value", "hours"), [("<1h", 1), ("<=30h", 30), ("<2d", 48), ("<1w", 168), ("<9999h", 9999)])
def test_reminders_are_found_to_the_hour_within_a_time(monkeypatch: pytest.MonkeyPatch, value: str, hours: int) -> None:
    at = datetime(2026, 3, 1, 22, 40, tzinfo=UTC)
    monkeypatch.setattr(filters, "now", lambda: at)
    [term] = parse(f"reminder:{value}", staff=True)
    assert isinstance(term.condition, Facets)
    found = set(term.condition.any_of)
    for offset in range(-30 * 24, hours + 200):
        reminder = at + timedelta(hours=offset)
        is_found = not found.isdisjoint({*reminder_facets(reminder)} - {facet("reminder", "any")})
        assert is_found == (offset <= hours), offset
    assert len(found) < 120


@pytest.mark.parametrize("value", ["soon", "<0d", "<1y", ">1d", "1d", "<12345d", "2026-02-30"])
def test_any_other_time_of_a_reminder_is_refused(value: str) -> None:
    with pytest.raises(InvalidInput, match="reminder"):
        parse(f"reminder:{value}", staff=True)
    with pytest.raises(InvalidInput, match="has no filter reminder"):
        parse("reminder:any", staff=False)


@pytest.mark.parametrize("name", CUSTOMER_FILTERS)
def test_a_customer_may_use_the_filters_of_customers(name: str) -> None:
    values = {"issue": "Others", "priority": "low", "number": "1", "created": "2026-01-01", "service": "port"}
    values |= {"updated": ">2026-01-01", "contact": "ada@example.com", "external": "jira:1", "has": "file"}
    values |= {"occurred": "<=2026-01-01", "cc": "ada@example.com"}
    assert parse(f"{name}:{values.get(name, 'open')}", staff=False)


@pytest.mark.parametrize(
    "query", ["created:>=2024-02-10", "created:>2025-12-31", "created:<2026-03-01", "created:<=2026-01-31"]
)
def test_a_range_of_days_is_few_facets_that_cover_each_day_once(query: str) -> None:
    [term] = parse(query, staff=False)
    assert isinstance(term.condition, Facets)
    assert len(term.condition.any_of) < 180
    sign, day = query.removeprefix("created:").rstrip("0123456789-"), date.fromisoformat(query[-10:])
    compare = {">=": day.__le__, ">": day.__lt__, "<": day.__gt__, "<=": day.__ge__}[sign]
    for offset in range(-800, 800):
        other = day + timedelta(offset)
        assert sum(day_facet in term.condition.any_of for day_facet in day_facets(other)) == compare(other), other


def test_a_customers_filters_of_changes_and_files_are_those_that_it_sees() -> None:
    conditions = [term.condition for term in parse("updated:2026-01-05 has:file", staff=False)]
    assert conditions == [Facets(("=vd:2026-01-05",)), Facets(("=file:public",))]


@pytest.mark.parametrize("staff", [True, False])
def test_each_suggestion_is_the_start_of_a_valid_filter(*, staff: bool) -> None:
    suggested = suggestions(published_catalogue(), [], staff=staff)
    for text in suggested:
        if not text.endswith(":"):
            assert parse(text, staff=staff), text
    names = [text.partition(":")[0] for text in suggested]
    assert [*dict.fromkeys(names)] == [*(STAFF_FILTERS if staff else CUSTOMER_FILTERS)]
    assert {"status:open", "status:held", 'issue:"Circuit Down"', "has:file", "contact:"} <= {*suggested}
    assert ("assignee:none" in suggested) is staff


def test_a_query_of_a_customer_has_no_internal_lexemes() -> None:
    terms = parse('loss "port down" x 東京都', staff=False)
    queries = [clause(term.condition, staff=False).query for term in terms if not isinstance(term.condition, Named)]
    assert queries == ["'loss':*", "'port' <1> 'down'", "'x'", "'東京' <1> '京都'"]
    assert [term.condition for term in parse("~loss", staff=False)] == [Word("loss", True)], (
        "no query can name an internal lexeme"
    )


def test_a_query_of_the_staff_has_public_and_internal_lexemes() -> None:
    assert clause(Word("loss", True), staff=True).query == "'loss':* | '~loss':*"
    assert clause(Word("loss", False), staff=True).query == "'loss' | '~loss'"
    assert clause(Facets(("=tag:it's\\x",)), staff=True).query == "'=tag:it''s\\\\x'"


CATALOGUE = published_catalogue(
    issue_entry("Fibre cut", name="Cut of a fibre", customer_name_de="Faserbruch"), service_entry("Wavelength")
)


@pytest.mark.parametrize(
    ("value", "facets"),
    [
        ("circuit DOWN", ("=issue:circuit down",)),
        ("Circuit Down, Others", ("=issue:circuit down", "=issue:others")),
        ("cut of a fibre", ("=issue:fibre cut",)),
        ("FASERBRUCH", ("=issue:fibre cut",)),
    ],
)
def test_an_issue_is_found_by_key_or_name(value: str, facets: tuple[str, ...]) -> None:
    assert issue_facets(value, CATALOGUE) == Facets(facets)


@pytest.mark.parametrize("value", ["fire", "Others,", ""])
def test_an_unknown_issue_is_refused_with_those_that_there_are(value: str) -> None:
    with pytest.raises(InvalidInput, match=r"has an unknown issue: it must be one of Application, .*, Fibre cut"):
        issue_facets(value, CATALOGUE)


@pytest.mark.parametrize(
    ("value", "facet"),
    [
        ("port", "=service:port"),
        ("Internet on Demand", "=service:internet on demand"),
        ("WAVELENGTH", "=service:wavelength"),
        ("NET-AMS-0012", "=service-id:net-ams-0012"),
    ],
)
def test_a_service_is_a_type_or_an_id(value: str, facet: str) -> None:
    assert service_facets(value, CATALOGUE) == Facets((facet,))


def test_a_service_needs_a_value() -> None:
    with pytest.raises(InvalidInput, match="filter service without a value"):
        service_facets("", CATALOGUE)
