"""The guides about what has a page tell the page first, by the words that stand in it."""

import re

import pytest

from tests.builders.docs.pages import ROOT

DOCS = ROOT / "docs"
WEB = ROOT / "src" / "clearline" / "web"
PUBLISHED_TYPES = ROOT / "src/clearline/platform/database/migrations/0048_catalogue.sql"
"""What every desk calls the types of issues at first."""
PAGES_FIRST = (
    "add-your-own-fields",
    "attach-files", "bind-a-mail-domain", "brand-the-portal", "change-many-tickets",
    "change-the-texts-of-mails", "define-forms", "import-services",
    "link-merge-and-split", "manage-the-catalogue",
    "manage-people-and-keys", "notification-preferences", "receive-mail", "receive-webhooks",
    "redact-a-secret", "route-tickets", "save-replies-and-views", "say-why-a-ticket-waits",
    "search-tickets", "send-mail",
    "set-priorities-with-a-matrix",
    "sign-in-with-your-identity-provider",
    "sign-people-in",
    "tell-the-people-of-a-ticket",
    "track-cases-at-third-parties",
)  # fmt: skip
"""Guides whose tasks can be done in the console."""
FOR_COMMANDS_ALONE = (
    "answer-people-about-their-data",
    "back-up-and-upgrade", "end-a-forgotten-transaction", "follow-events", "make-a-release", "move-from-another-desk",
    "run-in-containers", "run-in-production", "run-several-servers", "run-workers-apart", "use-the-house-api",
    "watch-the-desk",
    "work-tickets-from-the-command-line",
)  # fmt: skip
"""Guides about what has no page: the installation, programs, the command line, imports of tickets."""
ABOUT_PAGES = ("use-the-admin-pages", "use-the-portal", "work-tickets-in-the-console")


def labels_in(text: str) -> set[str]:
    """Return what a page of the documentation shows in bold as words of the console: they begin with a capital."""
    prose = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    return {" ".join(label.split()) for label in re.findall(r"\*\*([A-Z][^*]*)\*\*", prose)}


def test_every_guide_is_told_from_the_pages_or_has_none() -> None:
    guides = {path.stem for path in (DOCS / "how-to").iterdir()}
    assert {*PAGES_FIRST, *FOR_COMMANDS_ALONE, *ABOUT_PAGES} == guides


@pytest.mark.parametrize("guide", PAGES_FIRST)
def test_a_guide_tells_the_page_before_the_first_command(guide: str) -> None:
    text = (DOCS / "how-to" / f"{guide}.md").read_text(encoding="utf-8")
    before = text[: text.index("```sh")]
    assert "console" in before or "**Admin**" in before
    assert labels_in(before)


def test_the_words_of_the_console_in_the_guides_stand_in_it() -> None:
    source = "\n".join(
        path.read_text(encoding="utf-8") for path in sorted(WEB.rglob("*")) if path.suffix in {".py", ".html"}
    )
    strings = [*re.findall(r'\("([^"\n]*)"', source), *re.findall(r'"([^"\n]*)"', source)]
    words = [re.sub(r"\d+", "%(num)s", string) for string in strings]
    shown = {re.sub(r"%\(\w+\)s", "%s", word).strip(" .:") for word in words}
    shown |= {*re.findall(r"'([^'\n]*)'", PUBLISHED_TYPES.read_text(encoding="utf-8"))}
    tutorials = [DOCS / "tutorial-console.md", DOCS / "tutorial-portal.md"]
    pages = [*tutorials, *(DOCS / "how-to" / f"{name}.md" for name in (*PAGES_FIRST, *ABOUT_PAGES))]
    strange = {
        (page.name, label)
        for page in pages
        for label in labels_in(page.read_text(encoding="utf-8"))
        if re.sub(r"\d+(:\d+)?", "%s", label).strip(" .:") not in shown
    }
    assert strange == set()
