"""The section of mail that recipients stopped."""

from uuid import uuid4

import httpx
import pytest

from clearline.clock import now
from clearline.identity import Role
from clearline.mail.outbound import opt_out_usecases as opt_outs
from clearline.mail.outbound.opt_out_domain import DIGEST, TICKETS, WEBHOOKS, OptOut, ticket_topic
from clearline.platform.database.transactions import Database
from tests.builders.people import new_tenant
from tests.builders.web.pages import Person, led_to, person

OPT_OUTS = "/console/admin/opt-outs"


@pytest.fixture(scope="module")
async def admin(client: httpx.AsyncClient, database: Database) -> Person:
    return await person(client, database, Role.ADMIN, "Ada Admin")


@pytest.mark.parametrize(
    ("topic", "words"),
    [
        (DIGEST, "Digests"),
        (TICKETS, "Mail about all tickets of the company"),
        (WEBHOOKS, "Mail about webhooks that were disabled"),
        (ticket_topic(42), "Mail about INC000000000042"),
    ],
)
async def test_stopped_mail_is_shown_and_sent_again(database: Database, admin: Person, topic: str, words: str) -> None:
    company = (await new_tenant(database)).company
    opt_out = OptOut(company.id, f"{uuid4().hex}@example.com", topic)
    async with database.transaction() as tx:
        await opt_outs.stop(tx, opt_out, now=now())
    listed = await admin.page(OPT_OUTS)
    path = listed.links(f"{OPT_OUTS}/")[0]
    page = await admin.page(path)
    for text in (opt_out.recipient, words, company.name, "Send the mail again"):
        assert text in page.text
    done = await admin.post(f"{path}/delete")
    assert led_to(done) == f"{OPT_OUTS}?done=delete"
    assert "The recipient gets this mail again." in (await admin.page(done.headers["location"])).text
    async with database.statement() as tx:
        assert not await opt_outs.is_stopped(tx, opt_out)
    assert (await admin.get(path)).status_code == 404
    assert (await admin.post(f"{path}/delete")).status_code == 404


async def test_the_list_goes_on_behind_its_first_page(database: Database, admin: Person) -> None:
    company = (await new_tenant(database)).company
    async with database.transaction() as tx:
        for number in range(103):
            opt_out = OptOut(company.id, f"{number}.{uuid4().hex}@example.com", DIGEST)
            await opt_outs.stop(tx, opt_out, now=now())
    first = await admin.page(OPT_OUTS)
    [following] = first.links(f"{OPT_OUTS}?after=")
    second = await admin.page(following)
    shown = [*first.links(f"{OPT_OUTS}/"), *second.links(f"{OPT_OUTS}/")]
    assert len(shown) == len(set(shown)) >= 103
