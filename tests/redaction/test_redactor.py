"""Words are found however a text spells them, and nothing else is."""

import base64
import json

import pytest

from clearline.redactor import MARK, SHORT_MARK, Redactor

SECRET = "Tr0ub4dor&3 <x>"


@pytest.mark.parametrize(
    "spelled",
    [
        "Tr0ub4dor&3 <x>",
        "Tr0ub4dor&3\n<x>",
        "tr0uB4DOR&3 <X>",
        "Tr0ub4dor&3\r\n> > <x>",
        "Tr0ub4dor&3\u00a0<x>",
        r"Tr0ub4dor\&3 \<x\>",
        "Tr0ub4dor%263 %3Cx%3e",
    ],
    ids=["plain", "in two lines", "in another case", "quoted", "with a no-break space", "as Markdown", "in a URL"],
)
def test_words_in_text_become_the_mark(spelled: str) -> None:
    redactor = Redactor([SECRET])
    assert redactor.text(f"before {spelled} after {spelled}.") == f"before {MARK} after {MARK}."
    assert redactor.count == 2


@pytest.mark.parametrize(
    "spelled",
    [
        "Tr0ub4dor&amp;3 &lt;x&gt;",
        "Tr0ub4dor&#38;3&nbsp;&#60;x&#x3E;",
        "&#84;r0ub4dor&#x26;3<br>&lt;x&gt;",
        "Tr0ub4dor&amp;3\n&gt; &lt;x&gt;",
    ],
    ids=["named references", "numbers", "a line break", "quoted"],
)
def test_words_in_html_become_the_mark(spelled: str) -> None:
    redactor = Redactor([SECRET])
    assert redactor.holds(spelled)
    assert redactor.html(f"<p>It is {spelled}.</p>").startswith(f"<p>It is {MARK}")
    assert not redactor.holds(redactor.html(f"<p>It is {spelled}.</p>"))


def test_tags_between_the_characters_stay() -> None:
    assert Redactor(["hunter22"]).html("<p><b>hun</b><i>ter22</i></p>") == f"<p><b>{MARK}</b><i></i></p>"


def test_other_text_stays() -> None:
    redactor = Redactor(["hunter22"])
    for text in ("huntr22", "hunter2", "hunter 22", "", "h\nunter22"):
        assert redactor.text(text) == text
    assert redactor.count == 0
    assert not Redactor([]).holds("anything")
    assert Redactor(["  ", ""]).text("a  b") == "a  b"


def test_a_text_stays_within_its_limit() -> None:
    assert Redactor(["abc"]).text("abc abc", 10) == f"{SHORT_MARK} {SHORT_MARK}"
    assert Redactor(["abc"]).text("abc abc", 30) == f"{MARK} {MARK}"


def test_the_cut_end_of_a_text_that_begins_the_words_is_redacted_too() -> None:
    redactor = Redactor(["hunter22"])
    assert redactor.cut_text("the answer: hunte", 17) == f"the answer: {MARK}"[:17]
    assert redactor.cut_text("the answer: hunte", 100) == "the answer: hunte"
    assert redactor.cut_text("the hunter22", 100) == f"the {MARK}"


def test_json_is_redacted_in_values_and_names() -> None:
    redactor = Redactor(['p"w\\d€'])
    value = {"external_ids": {'p"w\\d€': 1}, "list": ['x p"w\\d€ y', 1, None, True], "other": {"deep": 'p"w\\d€'}}
    redacted = json.loads(redactor.json_bytes(json.dumps(value).encode()))
    assert redacted == {"external_ids": {MARK: 1}, "list": [f"x {MARK} y", 1, None, True], "other": {"deep": MARK}}
    same = b'{"a":  "b"}'
    assert redactor.json_bytes(same) is same
    assert redactor.json_bytes(b'no json p"w\\d\xe2\x82\xac \xff') == b"no json [redacted] \xff"


def test_names_of_members_that_become_the_same_keep_their_values() -> None:
    ids = {"external_ids": {"abc": "1", "xyz": "2"}}
    assert Redactor(["abc", "xyz"]).json(ids) == {"external_ids": {MARK: "1", f"{MARK}*": "2"}}


def test_what_a_program_reads_of_json_stays() -> None:
    redactor = Redactor(["pending", "title", "INC000000000042", "2026-03-01", "public"], kept={"pending"})
    value = {
        "title": "pending", "before": "pending", "field": "title", "visibility": "public", "number": "INC000000000042",
        "at": "2026-03-01T12:00:00Z", "text": "pending since 2026-03-01",
    }  # fmt: skip
    assert redactor.json(value) == value | {"text": f"{MARK} since {MARK}"}


@pytest.mark.parametrize("before", ["", "a", "ab", "abc"])
def test_base64_is_recognised_at_every_offset(before: str) -> None:
    redactor = Redactor(["correct horse"])
    encoded = base64.b64encode(f"{before}correct horse battery".encode())
    assert redactor.is_in_bytes(encoded[:20] + b"\r\n" + encoded[20:])
    assert not redactor.is_in_bytes(base64.b64encode(b"an innocent text of some length"))
    assert redactor.is_in_bytes("correct horse".encode("utf-16-le"))


def test_a_letter_with_an_accent_is_found_in_either_form() -> None:
    assert Redactor(["Gew\u00e4hr"]).text("Gewa\u0308hr Gew\u00e4hr") == f"{MARK} {MARK}"


def test_values_of_own_fields_of_any_type_are_redacted() -> None:
    redactor = Redactor(["4477"])
    body = {
        "fields": {"pin": 704477, "open": True, "few": ["a", "4477-b"], "at": "2026-11-29T10:44:77Z"},
        "number": 704477,
    }
    assert redactor.json(body) == {
        "fields": {"pin": MARK, "open": True, "few": ["a", f"{MARK}-b"], "at": "2026-11-29T10:44:77Z"},
        "number": 704477,
    }
    change = {"changes": [{"field": "fields.pin", "before": 44.77, "after": 4477}, {"field": "size", "after": 4477}]}
    assert redactor.json(change) == {
        "changes": [{"field": "fields.pin", "before": 44.77, "after": MARK}, {"field": "size", "after": 4477}]
    }


KEY = "third_party"
"""The words that are redacted, which are also a key or a word of the program."""


@pytest.mark.parametrize(
    ("value", "within"),
    [
        ({"fields": {KEY: "a text"}}, ""),
        ({"changes": [{"field": f"fields.{KEY}", "before": None, "after": "a text"}]}, ""),
        ({"fields": {"region": KEY, "regions": [KEY, "other"]}}, ""),
        ({"changes": [{"field": "fields.regions", "before": [KEY], "after": None}]}, ""),
        ({"waiting": {"reason": KEY, "text": "a text"}}, ""),
        ({"reason": KEY, "text": "a text"}, "waiting"),
        ({"changes": [{"field": "waiting.reason", "before": KEY, "after": None}]}, ""),
        ({"changes": [{"field": "waiting", "before": {"reason": KEY}, "after": None}]}, ""),
        ({"changes": [{"field": "closure.cause", "before": KEY, "after": "power"}]}, ""),
        ({"closure": {"cause": KEY, "action": KEY, "responsibility": KEY}}, ""),
        ({"sub_status": KEY, "waiting": {"reason": KEY}}, ""),
        ({"changes": [{"field": "sub_status", "before": KEY, "after": None}]}, ""),
        ({"issue_type": KEY, "service": {"id": "S-1", "type": KEY}}, ""),
        ({"changes": [{"field": "issue_type", "before": KEY, "after": "other"}]}, ""),
        ({"issueType": KEY, "serviceType": KEY}, ""),
        ({"company": {"tier": KEY}}, ""),
        ({"status": KEY, "type": KEY, "channel": KEY, "visibility": KEY}, ""),
        ({"roles": [KEY], "detected_by": KEY}, ""),
        ({"id": "00000000-0000-4000-8000-00000000beef"}, ""),
    ],
)  # fmt: skip
def test_keys_of_the_catalogue_stay(value: object, within: str) -> None:
    redactor = Redactor([KEY, "beef"], kept_fields={"region", "regions"})
    assert redactor.json(value, within=within) == value
    assert redactor.count == 0


def test_words_beside_keys_go() -> None:
    redactor = Redactor([KEY], kept_fields={"region"})
    value = {
        "fields": {"region": KEY, "note": KEY, "few": [KEY]}, "reason": KEY, "title": KEY,
        "waiting": {"reason": KEY, "text": f"the {KEY}", "case": {"party": KEY}},
        "reminder": {"reason": KEY}, "closure": {"cause": KEY, "resolution": KEY}, "external_ids": {KEY: KEY},
        "changes": [
            {"field": "fields.note", "before": KEY, "after": None}, {"field": "waiting.text", "before": KEY},
            {"field": "external_ids", "after": {KEY: KEY}}, {"field": "reminder", "after": {"reason": KEY}},
        ],
    }  # fmt: skip
    assert redactor.json(value) == {
        "fields": {"region": KEY, "note": MARK, "few": [MARK]}, "reason": MARK, "title": MARK,
        "waiting": {"reason": KEY, "text": f"the {MARK}", "case": {"party": MARK}},
        "reminder": {"reason": MARK}, "closure": {"cause": KEY, "resolution": MARK}, "external_ids": {MARK: MARK},
        "changes": [
            {"field": "fields.note", "before": MARK, "after": None}, {"field": "waiting.text", "before": MARK},
            {"field": "external_ids", "after": {MARK: MARK}}, {"field": "reminder", "after": {"reason": MARK}},
        ],
    }  # fmt: skip
