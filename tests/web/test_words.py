"""The words of the pages go through gettext, a translator finds them, and the German catalogue has each of them."""

import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from jinja2 import meta

import clearline
from clearline.web.templating import ENVIRONMENT

SOURCE = Path(clearline.__file__).parent
TEMPLATES = SOURCE / "web" / "templates"
PROJECT = SOURCE.parents[1] / "pyproject.toml"
GERMAN = SOURCE / "language" / "locale" / "de" / "LC_MESSAGES" / "clearline.po"
NAMES = {"Clearline", "Ctrl", "K", "R", "N", "I", "Z", "INC000000000042"}
"""The product, keys, and an example of a number."""
SHOWN = re.compile(r'\b(?:aria-label|alt|placeholder|title|data-label)="([^"]*)"')
PLACEHOLDER = re.compile(r"%\(\w+\)s|\{\w*\}")


@cache
def mappings() -> tuple[list[tuple[str, str]], dict[str, dict[str, Any]]]:
    """Return where the words are that customers read: the methods by pattern, and their options."""
    rows = tomllib.loads(PROJECT.read_text("utf-8"))["tool"]["babel"]["mappings"]
    return [(row["pattern"], row["method"]) for row in rows], {
        row["pattern"]: {"newstyle_gettext": row["newstyle_gettext"]} for row in rows if "newstyle_gettext" in row
    }


@cache
def extracted() -> dict[Any, set[str]]:
    """Return the messages that a translator finds, each with the files that have it."""
    methods, options = mappings()
    keywords = {"_": None, "gettext": None, "ngettext": (1, 2), "gettext_noop": None}
    messages: dict[Any, set[str]] = {}
    for file, _line, message, _comments, _context in extract_from_dir(SOURCE, methods, options, keywords=keywords):
        messages.setdefault(message, set()).add(file)
    return messages


def german() -> Catalog:
    with GERMAN.open("rb") as file:
        return read_po(file, locale="de")


def messages() -> list[Message]:
    return [message for message in german() if message.id]


def texts(value: str | tuple[str, ...] | list[str] | None) -> list[str]:
    """Return the forms of a message: one, or the singular and the plural."""
    return [value or ""] if value is None or isinstance(value, str) else list(value)


def templates() -> list[Path]:
    """Return the templates whose words are translated.

    The documents of the reference are English, and the components are shown to those who build pages.
    """
    untranslated = {*(TEMPLATES / "docs").iterdir(), TEMPLATES / "console" / "components.html"}
    return [path for path in sorted(TEMPLATES.rglob("*.html")) if path not in untranslated]


def bare_words(text: str) -> Iterator[str]:
    """Yield the words of a template that stand outside of expressions, in texts and in attributes that people read."""
    text = re.sub(r"\{#.*?#\}|\{%.*?%\}", "", text, flags=re.DOTALL)
    text = re.sub(r"\{\{.*?\}\}", "", text, flags=re.DOTALL)
    attributes = " ".join(SHOWN.findall(text))
    yield from re.findall(r"[A-Za-z]\w*", re.sub(r"<[^>]*>|&\w+;", " ", text) + attributes)


def test_no_template_has_words_that_cannot_be_translated() -> None:
    bare = {str(path.relative_to(TEMPLATES)): set(bare_words(path.read_text("utf-8"))) - NAMES for path in templates()}
    assert {name: words for name, words in bare.items() if words} == {}


MAIL = SOURCE / "web" / "mail"
TRANSLATED = re.compile(r"""\b(?:_|n?gettext)\(\s*(?:"[^"]*"(?:,\s*)?)+""")
SPOKEN = re.compile(r"[A-Za-z]{2,} [A-Za-z]{2,}")
"""Two words side by side."""


@pytest.mark.parametrize("path", sorted(MAIL.glob("*.html")) + sorted(MAIL.glob("*.txt")), ids=lambda path: path.name)
def test_no_template_of_mail_has_words_that_cannot_be_translated(path: Path) -> None:
    text = re.sub(r"\{#.*?#\}|<style>.*?</style>|<pre.*?</pre>", "", path.read_text("utf-8"), flags=re.DOTALL)
    expressions = " ".join(re.findall(r"\{\{.*?\}\}|\{%.*?%\}", text, flags=re.DOTALL))
    literals = re.findall(r'"([^"]*)"', TRANSLATED.sub("(", expressions))
    assert [text for text in literals if SPOKEN.search(text) and ";" not in text] == []  # styles have semicolons
    bare = [word for word in bare_words(text) if len(word) > 3]
    assert [
        word
        for word in bare
        if word not in {"PATCH", "DELETE", "POST", "email", "is_active", "false", "true", "replay", "subscriptions"}
    ] == []


def test_a_translator_finds_the_words_of_templates_and_code() -> None:
    for text in ("Sign in", "Welcome, %(name)s", "Not allowed", "must be an e-mail address"):
        assert text in extracted()


def test_the_words_of_the_console_are_not_among_them() -> None:
    files = {file for files in extracted().values() for file in files}
    assert [file for file in files if "console" in file] == []


def test_every_part_of_a_page_of_customers_is_translated() -> None:
    files = {file for files in extracted().values() for file in files if file.startswith("web/templates/")}
    for file in files:
        tree = ENVIRONMENT.parse((SOURCE / file).read_text("utf-8"))
        for part in meta.find_referenced_templates(tree):
            if part is None:  # the frame, which the page is given
                continue
            assert f"web/templates/{part}" in files or not has_words(part), f"{file} has words of {part}"


def has_words(template: str) -> bool:
    source = (TEMPLATES / template).read_text("utf-8")
    return any(isinstance(text, str) for _line, _function, text in ENVIRONMENT.extract_translations(source))  # type: ignore[attr-defined]  # of the extension


def test_german_has_every_word_and_none_that_is_unused() -> None:
    found = {tuple(texts(message)) for message in extracted()}
    have = {tuple(texts(message.id)) for message in messages()}
    assert sorted(found - have) == [], "make words brings them into the catalogue"
    assert sorted(have - found) == [], "make words takes them out"


def test_german_has_a_certain_translation_of_every_word() -> None:
    assert [message.id for message in messages() if not all(texts(message.string)) or message.fuzzy] == []
    assert list(german().obsolete) == []


def test_a_translation_has_the_placeholders_and_the_markup_of_its_text() -> None:
    for message in messages():
        for english in texts(message.id)[-1:]:
            for translated in texts(message.string):
                for form in (PLACEHOLDER, re.compile(r"</?\w+"), re.compile(r"[:?…]\Z")):
                    assert set(form.findall(translated)) == set(form.findall(english)), english


def test_german_has_its_own_quotation_marks_and_addresses_people_formally() -> None:
    for message in messages():
        for text in texts(message.string):
            assert not re.search(r"[\"'“]\w|\b(?:du|dein|deine|dir|dich)\b", text.replace("„", ""), re.IGNORECASE), text
            assert text.count("„") == text.count("“"), text
