"""The language of pages: the person's, its company's, the browser's, the desk's."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import httpx
import pytest
from starlette.types import Scope

from clearline.accounts import usecases as accounts
from clearline.companies import usecases as companies
from clearline.identity import OPERATOR, PROVIDER_ID
from clearline.language.reader import Reader, read_by, zone_of
from clearline.language.times import time_text
from clearline.language.words import gettext, ngettext
from clearline.platform.database.transactions import Database
from clearline.web.branding import desk
from clearline.web.language.readers import accepted_language
from clearline.web.words import full_time, number, short_time
from tests.builders.people import new_tenant
from tests.builders.web.pages import BROWSER, Page, person, session_of

GERMAN = {**BROWSER, "Accept-Language": "de-DE,de;q=0.9,en;q=0.8"}
NOW = datetime(2026, 3, 1, 12, 4, tzinfo=UTC)


def scope(accepted: str) -> Scope:
    return {"type": "http", "headers": [(b"accept-language", accepted.encode("latin-1"))]}


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("de", "de"),
        ("de-AT, en", "de"),
        ("DE-ch;q=0.5, en;q=0.4", "de"),
        ("en;q=0.4, de;q=0.5", "de"),
        ("en, de", "en"),
        ("fr, de;q=0.2, en;q=0.1", "de"),
        ("de;q=0, en;q=0.1", "en"),
        ("fr", None),
        ("*", None),
        ("", None),
        ("de;q=high", None),
        (", ;;,\xff", None),
        ("fr," * 100 + "de", None),
    ],
)
def test_the_language_that_the_browser_prefers(accepted: str, language: str | None) -> None:
    assert accepted_language(scope(accepted)) == language


@pytest.mark.parametrize("path", ["/sign-in", "/sign-in/set-up?token=none", "/nothing", "/confirm/nothing"])
async def test_pages_without_sign_in_have_the_language_of_the_browser(client: httpx.AsyncClient, path: str) -> None:
    for headers, language in ((GERMAN, "de"), (BROWSER | {"Accept-Language": "en"}, "en")):
        answer = await client.get(path, headers=headers)
        assert Page(answer.text).all("html")[0]["lang"] == answer.headers["content-language"] == language
        assert "Accept-Language" in answer.headers["vary"]
    assert not {"Sign in", "Not found"} & set(Page((await client.get(path, headers=GERMAN)).text).texts)


async def test_a_refused_sign_in_is_explained_in_german(client: httpx.AsyncClient) -> None:
    answer = await client.post("/sign-in", headers=GERMAN, data={"email": "a@example.com", "password": "x"})
    assert answer.status_code == 403
    assert "Dieses Formular ist veraltet" in answer.text


@pytest.fixture
async def german_desk(database: Database, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """Set the language of the desk to German, and have it read anew at each request."""
    monkeypatch.setattr(desk, "_KEPT", -1)
    for language in ("de", None):
        async with database.transaction() as tx:
            await companies.change_company(tx, OPERATOR, PROVIDER_ID, {"language": language}, now=NOW)
        if language:
            yield


@pytest.mark.usefixtures("german_desk")
async def test_a_browser_without_a_known_language_gets_that_of_the_desk(client: httpx.AsyncClient) -> None:
    for accepted, language in (("fr", "de"), ("", "de"), ("en", "en")):
        answer = await client.get("/sign-in", headers=BROWSER | {"Accept-Language": accepted})
        assert answer.headers["content-language"] == language


async def test_the_console_is_in_english(client: httpx.AsyncClient, database: Database) -> None:
    agent = await person(client, database)
    for path in ("/console/me", "/console/tickets/nothing"):
        answer = await agent.get(path, **{"Accept-Language": "de"})
        assert answer.headers["content-language"] == "en"
        assert "Accept-Language" not in answer.headers["vary"]
        assert Page(answer.text).all("html")[0]["lang"] == "en"


async def test_an_agent_sets_its_language(client: httpx.AsyncClient, database: Database) -> None:
    agent = await person(client, database)
    for language in ("de", "", "en"):
        answer = await agent.post("/console/me/language", language=language)
        assert (answer.status_code, answer.headers["location"]) == (303, "/console/me")
        pressed = [
            button["value"] for button in (await agent.page("/console/me")).all("button")
            if button.get("name") == "language" and button["aria-pressed"] == "true"
        ]  # fmt: skip
        assert pressed == [language]
    assert (await agent.post("/console/me/language", language="tlh")).status_code == 422


async def test_the_language_of_the_person_comes_before_that_of_the_company_and_of_the_browser(
    client: httpx.AsyncClient, database: Database
) -> None:
    tenant = await new_tenant(database)
    reader = await session_of(client, database, tenant.user)
    for company, own, expected in ((None, None, "de"), ("en", None, "en"), ("en", "de", "de"), (None, "en", "en")):
        async with database.transaction() as tx:
            of_company = {"language": company}
            await companies.change_company(tx, OPERATOR, tenant.company.id, of_company, now=NOW)
            await accounts.change_user(tx, OPERATOR, tenant.company.id, tenant.user.id, {"language": own}, now=NOW)
        page = await reader.get("/theme", **{"Accept-Language": "de"})
        assert page.headers["content-language"] == expected, (company, own)
        assert ("Accept-Language" in page.headers["vary"]) is (company is None and own is None)


def test_words_and_numbers_and_times_are_those_of_the_language() -> None:
    berlin = zone_of("Europe/Berlin")
    with read_by(Reader("de", berlin)):
        assert (gettext("Sign in"), ngettext("a", "b", 1), ngettext("a", "b", 2)) == ("Anmelden", "a", "b")
        assert (number(1234567), full_time(NOW)) == ("1.234.567", "1. März 2026, 13:04 MEZ")
        assert time_text(NOW) == "1. März 2026, 13:04 MEZ"
        assert short_time(NOW, NOW) == "13:04"
        assert short_time(NOW, NOW.replace(month=4)) == "1. März 13:04"
    with read_by(Reader("en", berlin)):
        assert (gettext("Sign in"), number(1234567), full_time(NOW)) == (
            "Sign in",
            "1,234,567",
            "1 Mar 2026, 13:04 CET",
        )
        assert time_text(NOW) == "1 Mar 2026 13:04 CET"
    with read_by(Reader("de", zone_of("Asia/Kathmandu"))):
        assert full_time(NOW) == "1. März 2026, 17:49 UTC+05:45"
    assert full_time(NOW) == "1 Mar 2026, 12:04 UTC"
