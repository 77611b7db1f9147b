"""The page that stops mail, and the one-click requests of mail programs."""

from uuid import UUID, uuid4

import httpx
import pytest

from clearline.mail.outbound import opt_out_usecases as opt_outs
from clearline.mail.outbound.domain import MailSettings
from clearline.mail.outbound.opt_out_domain import (
    DIGEST,
    TICKETS,
    WEBHOOKS,
    OptOut,
    read_token,
    ticket_topic,
    unsubscribe_link,
)
from clearline.mail.outbound.usecases import mail_settings
from clearline.platform.database.transactions import Database
from clearline.settings.settings import Settings
from tests.builders.people import Tenant

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


async def linked(database: Database, tenant: Tenant, topic: str) -> tuple[OptOut, str]:
    """Return the mail of a topic to a new address, and the path of the link that stops it."""
    opt_out = OptOut(tenant.company.id, f"{uuid4().hex[:8]}@example.com", topic)
    async with database.transaction() as tx:
        settings = await mail_settings(tx, Settings(public_url="https://desk.example.net"))
    link = unsubscribe_link(settings, opt_out.company_id, opt_out.recipient.upper(), topic)
    return opt_out, link.removeprefix("https://desk.example.net")


async def is_stopped(database: Database, opt_out: OptOut) -> bool:
    async with database.transaction() as tx:
        return await opt_outs.is_stopped(tx, opt_out)


@pytest.mark.parametrize(
    ("topic", "words"),
    [
        (ticket_topic(42), "notifications about ticket INC000000000042"),
        (TICKETS, "notifications about the tickets that name you as their contact"),
        (DIGEST, "the digests of notifications"),
        (WEBHOOKS, "mail about webhooks that were disabled"),
    ],
)
async def test_only_a_post_stops_the_mail_and_another_one_resumes_it(
    client: httpx.AsyncClient, database: Database, tenant: Tenant, topic: str, words: str
) -> None:
    opt_out, path = await linked(database, tenant, topic)
    for method in ("GET", "HEAD"):
        assert (await client.request(method, path)).status_code == 200
        assert not await is_stopped(database, opt_out)
    page = await client.get(path)
    assert words in page.text
    assert opt_out.recipient in page.text
    assert f'<form method="post" action="{path}"><button' in page.text
    for _ in range(2):
        answer = await client.post(path, data=ONE_CLICK)
        assert answer.status_code == 200
        assert f"no longer gets {words}" in answer.text
        assert await is_stopped(database, opt_out)
    assert f'action="{path}/resume"' in (await client.get(path)).text
    assert (await client.get(f"{path}/resume")).status_code == 405
    assert await is_stopped(database, opt_out)
    assert "Stop " in (await client.post(f"{path}/resume")).text
    assert not await is_stopped(database, opt_out)


@pytest.mark.parametrize(
    "body",
    [
        {"data": ONE_CLICK},
        {"files": {"List-Unsubscribe": (None, "One-Click")}},  # RFC 8058 allows both types
        {},
    ],
)
async def test_a_mail_program_needs_no_cookie_no_key_and_no_second_request(
    client: httpx.AsyncClient, database: Database, tenant: Tenant, body: dict[str, dict[str, object]]
) -> None:
    opt_out, path = await linked(database, tenant, DIGEST)
    answer = await client.post(path, **body)  # type: ignore[arg-type]
    assert answer.status_code == 200
    assert "set-cookie" not in answer.headers
    assert await is_stopped(database, opt_out)


async def test_the_page_is_strict(client: httpx.AsyncClient, database: Database, tenant: Tenant) -> None:
    _, path = await linked(database, tenant, DIGEST)
    for answer in (await client.get(path), await client.post(path), await client.get("/unsubscribe/unknown")):
        assert answer.headers["content-security-policy"] == (
            "default-src 'none'; style-src 'self'; img-src 'self'; font-src 'self'; base-uri 'none'; "
            "form-action 'self'; frame-ancestors 'none'"
        )
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["x-robots-tag"] == "noindex"
        assert "<script" not in answer.text
    for method in ("PUT", "PATCH", "DELETE"):
        assert (await client.request(method, path)).status_code == 405


async def test_tokens_that_are_not_ours_have_one_answer(
    client: httpx.AsyncClient, database: Database, tenant: Tenant
) -> None:
    _, path = await linked(database, tenant, DIGEST)
    token = path.removeprefix("/unsubscribe/")
    other = "B" if token[9] == "A" else "A"
    answers = set()
    for wrong in (
        token[:9] + other + token[10:],
        token[:-4],
        token + "AAAA",
        "x",
        "A" * 60,
        "A" * 2000,
        "%C3%A9",
        "%00",
    ):
        for method in ("GET", "POST"):
            answer = await client.request(method, f"/unsubscribe/{wrong}")
            answers.add((answer.status_code, answer.text))
        answer = await client.post(f"/unsubscribe/{wrong}/resume")
        answers.add((answer.status_code, answer.text))
    [(status, text)] = answers
    assert status == 404
    assert "not valid" in text


def test_a_token_hides_what_it_names_and_belongs_to_its_installation() -> None:
    settings = MailSettings("Support <s@example.net>", b"secret", "https://desk.example.net", enabled=True)
    link = unsubscribe_link(settings, UUID(int=7), " Ada@Example.com ", DIGEST)
    token = link.removeprefix("https://desk.example.net/unsubscribe/")
    assert link != token
    assert read_token(token, b"secret") == OptOut(UUID(int=7), "ada@example.com", DIGEST)
    assert read_token(token, b"another") is None
    assert link == unsubscribe_link(settings, UUID(int=7), "ada@example.com", DIGEST)
    assert "ada" not in link.lower()


async def test_a_company_that_is_not_there_is_no_error(client: httpx.AsyncClient, database: Database) -> None:
    async with database.transaction() as tx:
        settings = await mail_settings(tx, Settings(public_url="https://desk.example.net"))
    path = unsubscribe_link(settings, uuid4(), "ada@example.com", DIGEST).removeprefix("https://desk.example.net")
    assert (await client.post(path)).status_code == 200
