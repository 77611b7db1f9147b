"""Feedback by the link of a mail: who may vote, once, for how long; what the staff sees of it."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest

from clearline.feedback import usecases as feedback
from clearline.feedback.domain import (
    COMMENT_MAX,
    FEEDBACK_PATH,
    Ballot,
    FeedbackClosed,
    Rating,
    ballot_of,
    read_token,
    write_token,
)
from clearline.identity import OPERATOR, Role
from clearline.mail.outbound.usecases import mail_secret
from clearline.notifications.recipients import GROUPING_WINDOW
from clearline.platform.database.transactions import Database, Tx
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets import store as ticket_store
from clearline.tickets.domain import Status, ticket_number
from tests.builders.databases import administer
from tests.builders.mail.notification_rig import CONTACT, NotificationRig, new_watcher
from tests.builders.people import NOW, Tenant, email_of, new_tenant, staff_key
from tests.builders.tickets import later_events, raised
from tests.builders.web.pages import Page, person, session_of

FORM = {"rating": "good", "comment": "Fast."}


async def resolved_ballot(tx: Tx, tenant: Tenant) -> Ballot:
    """Return the ballot of the contact of a new resolved ticket."""
    number = await raised(tx, tenant, status=Status.RESOLVED)
    await tx.write(
        "update ticket set resolved_at = now() - interval '1 hour' where company_id = $1 and number = $2",
        tenant.company.id,
        number,
    )
    ticket = await ticket_store.lock(tx, tenant.company.id, number)
    assert ticket is not None
    assert ticket.resolved_at is not None
    return ballot_of(tenant.company.id, number, ticket.resolved_at, "Ada@Example.com")


@pytest.fixture
async def ballot(database: Database, tenant: Tenant) -> Ballot:
    async with database.transaction() as tx:
        return await resolved_ballot(tx, tenant)


@pytest.fixture
async def path(database: Database, ballot: Ballot) -> str:
    async with database.transaction() as tx:
        return FEEDBACK_PATH + write_token(ballot, await mail_secret(tx))


@pytest.fixture
async def rig(database: Database, database_url: str) -> AsyncIterator[NotificationRig]:
    """Return a rig whose outbox is empty."""
    new = NotificationRig(database, await new_tenant(database), database_url)
    await new.record()
    await administer(database_url, "delete from notification; delete from outbound_mail")
    yield new
    await administer(database_url, "delete from notification; delete from outbound_mail")


async def stored(database: Database, ballot: Ballot) -> list[tuple[Rating, str]]:
    async with database.statement() as tx:
        page = await feedback.list_feedback(tx, OPERATOR, number=ballot.ticket_number, limit=10)
    return [(given.rating, given.comment) for given in page]


async def test_opening_the_link_chooses_and_only_the_button_votes(
    client: httpx.AsyncClient, database: Database, ballot: Ballot, path: str
) -> None:
    for method in ("GET", "HEAD"):
        answer = await client.request(method, f"{path}?rating=bad")
        assert answer.status_code == 200
    page = Page((await client.get(f"{path}?rating=bad")).text)
    chosen = [tag["value"] for tag in page.all("input") if tag.get("type") == "radio" and "checked" in tag]
    assert chosen == ["bad"]
    assert ticket_number(ballot.ticket_number) in page.text
    assert await stored(database, ballot) == []
    for _ in range(2):
        answer = await client.post(path, data=FORM)
        assert answer.status_code == 200
        assert "Thank you" in answer.text
    assert await stored(database, ballot) == [(Rating.GOOD, "Fast.")]
    changed = await client.post(path, data={"rating": "bad", "comment": "No.\r\nSlow."})
    assert "Thank you" in changed.text
    assert await stored(database, ballot) == [(Rating.BAD, "No.\nSlow.")]
    async with database.statement() as tx:
        events = [(kind, data) for kind, data in await later_events(tx, ballot.ticket_number) if kind == "ticket.rated"]
    assert [(data["before"], data["after"]) for _kind, data in events] == [(None, "good"), ("good", "bad")]


@pytest.mark.parametrize(
    "fields", [{}, {"rating": "great"}, {"rating": "good", "comment": "x" * (COMMENT_MAX + 1)},
               {"rating": "good", "comment": "\0"}, {"rating": "good", "comment": "x" * 40_000}],
)  # fmt: skip
async def test_a_refused_form_stores_nothing(
    client: httpx.AsyncClient, database: Database, ballot: Ballot, path: str, fields: dict[str, str]
) -> None:
    answer = await client.post(path, data=fields)
    assert answer.status_code == 422
    assert "wrong" in answer.text
    assert await stored(database, ballot) == []


async def test_text_is_shown_as_text(client: httpx.AsyncClient, path: str) -> None:
    evil = "</textarea><script>alert(1)</script>"
    answer = await client.post(path, data={"rating": "good", "comment": evil})
    assert Page(answer.text).all("script") == []
    assert "&lt;script&gt;" in answer.text


@pytest.mark.parametrize("change", ["", "x", "\u00e9", "A" * 3000])
async def test_another_token_is_none(client: httpx.AsyncClient, path: str, change: str) -> None:
    for token in (path[:-1] + change, f"{FEEDBACK_PATH}x{change}"):
        for answer in (await client.get(token), await client.post(token, data=FORM)):
            assert answer.status_code == 404


async def test_a_token_of_another_purpose_is_none(database: Database, ballot: Ballot) -> None:
    async with database.transaction() as tx:
        secret = await mail_secret(tx)
    assert read_token(write_token(ballot, secret), secret) == ballot
    assert read_token(write_token(ballot, secret), b"other") is None


async def test_a_vote_is_changeable_for_one_day(database: Database, ballot: Ballot) -> None:
    async def rate(rating: Rating, after: timedelta) -> None:
        async with database.transaction() as tx:
            await feedback.rate(tx, ballot, rating, "", now=ballot.resolved_at + after)

    await rate(Rating.GOOD, timedelta(days=2))
    await rate(Rating.BAD, timedelta(days=3, seconds=-1))
    with pytest.raises(FeedbackClosed):
        await rate(Rating.GOOD, timedelta(days=3))
    await rate(Rating.BAD, timedelta(days=4))
    assert await stored(database, ballot) == [(Rating.BAD, "")]


async def test_a_link_takes_no_vote_after_thirty_days_or_a_reopening(
    client: httpx.AsyncClient, database: Database, ballot: Ballot, path: str
) -> None:
    async with database.transaction() as tx:
        with pytest.raises(FeedbackClosed):
            await feedback.rate(tx, ballot, Rating.GOOD, "", now=ballot.resolved_at + timedelta(days=30))
    async with database.transaction() as tx:
        await ticket_changes.move_ticket(tx, OPERATOR, ballot.ticket_number, Status.REOPENED, reason="", now=NOW)
    assert "takes no feedback any more" in (await client.get(path)).text
    assert (await client.post(path, data=FORM)).status_code == 409
    assert await stored(database, ballot) == []


async def test_the_mail_about_a_resolution_asks_each_customer_and_no_agent(rig: NotificationRig) -> None:
    async def work(tx: Tx) -> tuple[int, str]:
        number = await raised(tx, rig.tenant, status=Status.IN_PROGRESS)
        return number, email_of(await new_watcher(tx, number, Role.AGENT))

    number, agent = await rig.transact(work)
    await rig.advance(GROUPING_WINDOW)
    assert all("/feedback/" not in mail.text for mail in await rig.take_sent())
    await rig.transact(
        lambda tx: ticket_changes.move_ticket(tx, OPERATOR, number, Status.RESOLVED, reason="", now=rig.now)
    )
    await rig.advance(GROUPING_WINDOW)
    mails = {mail.to: mail for mail in await rig.take_sent()}
    assert "/feedback/" not in mails[agent].text + mails[agent].html
    links = re.findall(r"/feedback/(\S+)\?rating=(\w+)", mails[CONTACT].text)
    assert [rating for _token, rating in links] == ["good", "bad"]
    async with rig.database.transaction() as tx:
        ballot = read_token(links[0][0], await mail_secret(tx))
    assert ballot is not None
    assert (ballot.ticket_number, ballot.recipient, ballot.company_id) == (number, CONTACT, rig.tenant.company.id)
    for link in re.findall(r"http\S+rating=\w+", mails[CONTACT].text):
        assert f'href="{link}"' in mails[CONTACT].html


async def test_the_portal_and_the_console_show_it(
    client: httpx.AsyncClient, database: Database, tenant: Tenant
) -> None:
    async with database.transaction() as tx:
        ballot = await resolved_ballot(tx, tenant)
    at = f"/portal/tickets/{ticket_number(ballot.ticket_number)}"
    customer = await session_of(client, database, tenant.user)
    [good, bad] = (await customer.page(at)).links("/feedback/")
    assert (good.endswith("rating=good"), bad.endswith("rating=bad")) == (True, True)
    await client.post(bad, data={"rating": "bad", "comment": "Too slow"})
    page = await customer.page(at)
    assert "Not well" in page.text
    agent = await person(client, database, Role.AGENT)
    shown = await agent.page(f"/console/tickets/{ticket_number(ballot.ticket_number)}")
    for words in ("Not resolved well", "Too slow", tenant.user.email.lower()):
        assert words in shown.text


async def test_the_house_api_lists_it(
    client: httpx.AsyncClient, database: Database, tenant: Tenant, ballot: Ballot
) -> None:
    headers = await staff_key(database, Role.AGENT)
    async with database.transaction() as tx:
        other = ballot_of(ballot.company_id, ballot.ticket_number, ballot.resolved_at, "b@example.com")
        for each, rating in ((ballot, Rating.GOOD), (other, Rating.BAD)):
            await feedback.rate(tx, each, rating, "Fast.", now=NOW)
    number = ticket_number(ballot.ticket_number)
    path = f"/api/v1/feedback?ticket={number}"
    first = (await client.get(f"{path}&limit=1", headers=headers)).json()
    later = (await client.get(f"{path}&limit=1&cursor={first['next_cursor']}", headers=headers)).json()
    assert {first["data"][0]["recipient"], later["data"][0]["recipient"]} == {"ada@example.com", "b@example.com"}
    assert (first["has_more"], later["has_more"]) == (True, False)
    [given] = (await client.get(f"{path}&rating=good", headers=headers)).json()["data"]
    assert given == {
        "id": given["id"], "company": {"id": str(tenant.company.id), "name": tenant.company.name,
        "code": tenant.company.code}, "ticket": number, "resolved_at": given["resolved_at"],
        "recipient": "ada@example.com", "rating": "good", "comment": "Fast.",
        "created_at": given["created_at"], "updated_at": given["created_at"],
    }  # fmt: skip
    assert (await client.get(f"/api/v1/feedback/{given['id']}", headers=headers)).json() == given
    assert (await client.get("/api/v1/feedback?ticket=INC9", headers=headers)).status_code == 400
