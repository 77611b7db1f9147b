"""The words of the pages go through gettext, and a translator finds them."""

import re
from collections.abc import Iterator
from pathlib import Path

from babel.messages.extract import extract_from_dir

import clearline.web

WEB = Path(clearline.web.__file__).parent
TEMPLATES = WEB / "templates"
NAMES = {"Clearline", "Ctrl", "K", "R", "N", "I", "Z", "INC000000000042"}
"""The product, keys, and an example of a number."""
SHOWN = re.compile(r'\b(?:aria-label|alt|placeholder|title|data-label)="([^"]*)"')


def templates() -> list[Path]:
    """Return the templates whose words are translated: not those of the reference, whose documents are English."""
    return [path for path in sorted(TEMPLATES.rglob("*.html")) if path.parent != TEMPLATES / "docs"]


def bare_words(text: str) -> Iterator[str]:
    """Yield the words of a template that stand outside of expressions, in texts and in attributes that people read."""
    text = re.sub(r"\{#.*?#\}|\{%.*?%\}", "", text, flags=re.DOTALL)
    text = re.sub(r"\{\{.*?\}\}", "", text, flags=re.DOTALL)
    attributes = " ".join(SHOWN.findall(text))
    yield from re.findall(r"[A-Za-z]\w*", re.sub(r"<[^>]*>|&\w+;", " ", text) + attributes)


def test_no_template_has_words_that_cannot_be_translated() -> None:
    bare = {str(path.relative_to(TEMPLATES)): set(bare_words(path.read_text("utf-8"))) - NAMES for path in templates()}
    assert {name: words for name, words in bare.items() if words} == {}


def test_a_translator_finds_the_words_of_templates_and_code() -> None:
    methods = [("templates/**.html", "jinja2.ext:babel_extract"), ("**.py", "python")]
    options = {"templates/**.html": {"newstyle_gettext": "true", "trimmed": "false"}}
    messages = {
        str(message[2])
        for message in extract_from_dir(
            WEB, methods, options, keywords={"_": None, "gettext": None, "ngettext": (1, 2)}
        )
    }
    for text in (
        "My tickets",
        "Waiting on customer",
        "Sign in",
        "Most urgent first",
        "%(who)s set the status to %(label)s",
    ):
        assert text in messages
