"""The admin page of mail templates: what a form is refused for, what the frame shows, and the way back."""

from collections.abc import AsyncIterator

import httpx
import pytest

from clearline.identity import Role
from clearline.language.languages import LANGUAGES
from clearline.mail.templates.kinds import KINDS, MailKind
from clearline.platform.database.transactions import Database
from tests.builders.web.pages import Page, Person, led_to, person

PAGE = "/console/admin/mail-templates"
RECEIVED = f"{PAGE}/ticket_received.en"
TEXT = {"subject": "Received: {{ ticket.title }}", "body": "Thank you.\r\n\r\n{{ messages }}"}
EVIL = "<script>alert(1)</script><img src=x onerror=alert(1)>"


@pytest.fixture
async def admin(client: httpx.AsyncClient, database: Database) -> AsyncIterator[Person]:
    yield await person(client, database, Role.ADMIN, "Ada Admin")
    async with database.transaction() as tx:
        await tx.write("delete from mail_template")


async def version_of(admin: Person) -> str:
    page = await admin.page(RECEIVED)
    return next(field["value"] or "" for field in page.all("input") if field.get("name") == "version")


async def test_the_list_has_every_kind_of_a_language(admin: Person) -> None:
    for language in LANGUAGES:
        page = await admin.page(f"{PAGE}?state={language}")
        assert {f"{PAGE}/{kind}.{language}" for kind in MailKind} <= {
            link.partition("?")[0] for link in page.links(PAGE)
        }
        opened = await admin.page(f"{PAGE}/digest.{language}")
        assert f"{KINDS[MailKind.DIGEST].title} · {LANGUAGES[language]}" in opened.text
    for unknown in ("nothing.en", "digest", "digest.fr", "digest.en.en"):
        assert (await admin.get(f"{PAGE}/{unknown}")).status_code == 404


async def test_a_text_is_saved_shown_as_edited_and_given_up(admin: Person) -> None:
    version = await version_of(admin)
    assert "Back to the shipped text" not in (await admin.page(RECEIVED)).text
    saved = await admin.post(RECEIVED, version=version, **TEXT)
    assert (saved.status_code, led_to(saved)) == (303, f"{RECEIVED}?done=change")
    page = await admin.page(RECEIVED)
    assert "Thank you." in page.text
    assert "Edited" in page.text
    assert "We have received the ticket. Its number is {{ ticket.number }}." in page.text
    stale = await admin.post(RECEIVED, version=version, **TEXT)
    assert stale.status_code == 409
    restored = await admin.post(f"{RECEIVED}/restore")
    assert led_to(restored) == f"{RECEIVED}?done=restore"
    assert "Thank you." not in (await admin.page(RECEIVED)).text


async def test_each_wrong_line_is_named_and_everything_typed_is_kept(admin: Person) -> None:
    refused = await admin.post(
        RECEIVED, version=await version_of(admin), subject="Hi", body=f"{EVIL}\n{{{{ x }}}}\n{{{{ y"
    )
    assert refused.status_code == 422
    page = Page(refused.text)
    for words in (
        "Line 2: {{ x }} is no placeholder of this mail.",
        "Line 3: a placeholder must have",
        "Must have {{ messages }}",
    ):
        assert words in page.text
    assert EVIL in page.text
    assert not [tag for tag, attributes in page.tags if tag == "script" and not attributes.get("src")]
    assert not [tag for tag, attributes in page.tags if "onerror" in attributes]


async def test_the_frame_shows_what_is_typed_or_stored_and_stores_nothing(admin: Person) -> None:
    stored = await admin.get(f"{RECEIVED}/preview")
    assert "We have received the ticket" in stored.text
    typed = await admin.post(f"{RECEIVED}/preview", **{**TEXT, "body": f"{EVIL}\n\n{{{{ messages }}}}"})
    text = await admin.post(f"{RECEIVED}/preview", part="text", **TEXT)
    wrong = await admin.post(f"{RECEIVED}/preview", subject=EVIL, body=f"{{{{ {EVIL} }}}}")
    assert [answer.status_code for answer in (stored, typed, text, wrong)] == [200, 200, 200, 422]
    for answer in (stored, typed, text, wrong):
        policy = answer.headers["content-security-policy"].split("; ")
        assert {"default-src 'none'", "sandbox", "frame-ancestors 'self'", "form-action 'none'"} <= set(policy)
        assert "<script" not in answer.text
        assert "<img" not in answer.text
        assert answer.headers["cache-control"] == "no-store"
    assert "Received: NET-AMS-0012: no light\n\nThank you." in text.text
    assert "We have received the ticket" in (await admin.get(f"{RECEIVED}/preview")).text


async def test_without_a_mail_server_a_test_says_so(admin: Person) -> None:
    answer = await admin.post(f"{RECEIVED}/test", **TEXT)
    assert answer.status_code == 409
    assert "CLEARLINE_SMTP names no server." in answer.text
