"""The index entry of a ticket for the search."""

from datetime import datetime, timedelta, timezone
from uuid import UUID

from clearline.search import document as documents
from clearline.search.document import pairs, vector
from tests.builders.search.index import AT, COMPANY, a_document


def positions(text: str) -> dict[str, list[str]]:
    """Return the positions of each word of a vector, without facets and pairs."""
    places_by_lexeme = {}
    for item in text.split(" '"):
        lexeme, _, places = item.strip("'").rpartition("':")
        if lexeme and not lexeme.startswith("="):
            places_by_lexeme[lexeme] = places.split(",")
    return places_by_lexeme


def test_internal_text_has_other_lexemes() -> None:
    places_by_lexeme = positions(
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
    weights = {lexeme: {place[-1] for place in where} for lexeme, where in places_by_lexeme.items()}
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


def test_internal_text_does_not_change_the_public_lexemes() -> None:
    notes = [f"word{number} " * 700 for number in range(200)]
    plain = positions(vector(a_document(description="long " * 6000, public_notes=notes)))
    loaded = positions(
        vector(a_document(description="long " * 6000, public_notes=notes, internal_notes=notes[::-1], tags=("a", "b")))
    )
    public = {
        lexeme: public_places
        for lexeme, where in loaded.items()
        if (public_places := [place for place in where if place[-1] != "D"])
    }
    assert public == plain


def test_the_entry_of_a_ticket_with_huge_notes_stays_small_and_keeps_the_newest_notes() -> None:
    text = " ".join(chr(0x4E00 + n % 20_000) * 2 + f"{n:x}" for n in range(32_000))
    notes = [f"newest {text[:3000]}", *(f"old{number} {text[number * 50 :][:4000]}" for number in range(199))]
    text_vector = vector(a_document(description=text, public_notes=notes, internal_notes=notes))
    places_by_lexeme = positions(text_vector)
    assert len(text_vector.encode()) < 800_000
    assert len(places_by_lexeme) <= 6_000
    assert "newest" in places_by_lexeme
    assert "old198" not in places_by_lexeme
    assert max(int(place[:-1]) for where in places_by_lexeme.values() for place in where) <= 16_383
    assert max(len(where) for where in places_by_lexeme.values()) <= 250


def test_every_filter_has_a_facet() -> None:
    person = UUID(int=3)
    document = a_document(
        tags=("urgent",), watchers=[person], internal_files=["a.txt"], customer_updated_at=AT - timedelta(days=1)
    )
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
        "=tier:none",
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
        "=ud:2026-03-01",
        "=um:2026-03",
        "=uy:2026",
        "=vd:2026-02-28",
        "=vm:2026-02",
        "=vy:2026",
        "=contact:ada.okoro@birch.example.com",
        "=contact:ada okoro",
        "=contact:ada",
        "=contact:okoro",
        "=external:snow:chg0030001",
        "=file:any",
        "=reminder:none",
    } == set(documents.facets(document))
    assert "=file:public" in documents.facets(a_document(public_files=["trace.pcap"]))


def test_a_reminder_has_its_hour_day_month_and_year() -> None:
    at = datetime(2026, 3, 2, 1, 30, tzinfo=timezone(timedelta(hours=2)))
    assert documents.reminder_facets(at) == [
        "=reminder:any", "=rh:2026-03-01t23", "=rd:2026-03-01", "=rm:2026-03", "=ry:2026",
    ]  # fmt: skip


def test_adjacent_words_are_stored_as_pairs_and_internal_pairs_are_separate() -> None:
    items = vector(a_document(description="alpha bravo charlie", internal_notes=["bravo delta"])).split()
    for pair in pairs(["alpha", "bravo", "charlie"]):
        assert f"'{pair}'" in items
    [internal] = pairs(["bravo", "delta"])
    assert f"'~{internal}'" in items
    assert f"'{internal}'" not in items
    assert pairs(["alpha"]) == pairs([]) == []
