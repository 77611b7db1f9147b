"""Texts of mail that admins write: who may, what is kept, and what is sent."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from clearline.identity import ALL_SCOPES, OPERATOR, PROVIDER_ID, Actor, Role
from clearline.language.languages import LANGUAGES
from clearline.mail.outbound import usecases as outbound_mail
from clearline.mail.templates import usecases as mail_templates
from clearline.mail.templates.kinds import KINDS, MailKind
from clearline.mail.templates.samples import sample_footer, sample_values
from clearline.mail.templates.shipped import shipped_text
from clearline.platform.database.transactions import Database
from clearline.web.mail import render
from tests.builders.jobs import Clock
from tests.builders.mail.notification_rig import SETTINGS
from tests.builders.mail.outbox import eventually
from tests.builders.mail.outbox import working as sending
from tests.builders.mail.smtp_server import running
from tests.builders.people import NOW, new_staff, staff_key

API = "/api/v1/mail-templates"
RECEIVED = f"{API}/ticket_received.en"
ANYWAY = {"if-match": "*"}
SHIPPED = shipped_text(MailKind.TICKET_RECEIVED, "en")


@pytest.fixture(autouse=True)
async def _shipped_after(database: Database) -> AsyncIterator[None]:
    yield
    async with database.transaction() as tx:
        await tx.write("delete from mail_template")


async def test_an_admin_changes_a_text_and_goes_back_to_the_shipped_one(
    client: httpx.AsyncClient, database: Database
) -> None:
    admin, agent = await staff_key(database, Role.ADMIN), await staff_key(database, Role.AGENT)
    before = await client.get(RECEIVED, headers=agent)
    assert before.status_code == 200, before.text
    assert before.json() | {"placeholders": []} == {
        "id": "ticket_received.en", "kind": "ticket_received", "language": "en",
        "title": "Ticket received", "subject": SHIPPED.subject,
        "is_edited": False, "is_outdated": False, "problems": [], "body": SHIPPED.body,
        "about": "To customers: the receipt of a new ticket.", "changed_at": None,
        "shipped": {"subject": SHIPPED.subject, "body": SHIPPED.body}, "placeholders": [],
    }  # fmt: skip
    body = "Thank you.\r\n\r\n{{ messages }}\r\n"
    changed = await client.patch(RECEIVED, json={"body": body}, headers={**admin, "if-match": before.headers["etag"]})
    assert changed.status_code == 200, changed.text
    assert (changed.json()["body"], changed.json()["is_edited"]) == ("Thank you.\n\n{{ messages }}", True)
    assert (await client.patch(RECEIVED, json={"subject": "Hi"}, headers=agent | ANYWAY)).status_code == 403
    stale = await client.delete(RECEIVED, headers={**admin, "if-match": before.headers["etag"]})
    assert stale.status_code == 412
    assert (await client.delete(RECEIVED, headers=admin | ANYWAY)).status_code == 204
    assert (await client.get(RECEIVED, headers=agent)).json() == before.json()
    async with database.transaction() as tx:
        rows = await tx.fetch(
            """select data->>'id', data->>'name', jsonb_array_length(data->'changes') from event
                where type = 'mail_template.changed' order by id desc limit 2"""
        )
    assert [tuple(row) for row in rows] == [("ticket_received.en", "Ticket received (en)", 1)] * 2


async def test_the_list_has_every_kind_in_every_language(client: httpx.AsyncClient, database: Database) -> None:
    agent = await staff_key(database, Role.AGENT)
    listed, query = [], "?limit=20"
    while query:
        page = (await client.get(f"{API}{query}", headers=agent)).json()
        listed += [(each["kind"], each["language"]) for each in page["data"]]
        query = f"?limit=20&cursor={page['next_cursor']}" if page["next_cursor"] else ""
    assert listed == [(kind, language) for kind in MailKind for language in LANGUAGES]
    for path in ("nothing.en", "ticket_received.fr", "ticket_received", "ticket_received."):
        assert (await client.get(f"{API}/{path}", headers=agent)).status_code == 404


async def test_a_wrong_text_is_refused_line_by_line(client: httpx.AsyncClient, database: Database) -> None:
    admin = await staff_key(database, Role.ADMIN)
    refused = await client.patch(RECEIVED, json={"body": "{{ x }}\n{{ y"}, headers=admin | ANYWAY)
    assert refused.status_code == 422
    assert [(each["pointer"], each["detail"]) for each in refused.json()["errors"]] == [
        ("/body", "line 1: {{ x }} is no placeholder of this mail"),
        ("/body", "line 2: a placeholder must have {{ before it and }} after it"),
        ("/body", "must have {{ messages }} on a line of its own"),
    ]


async def test_a_text_that_equals_the_shipped_one_is_not_stored(database: Database) -> None:
    async with database.transaction() as tx:
        for body in ("Thank you.\n\n{{ messages }}", SHIPPED.body):
            changed = await mail_templates.change_template(
                tx, OPERATOR, "ticket_received", "en", {"body": body}, now=NOW
            )
            assert (changed.stored is None) == (body == SHIPPED.body)


@pytest.mark.parametrize("kind", list(MailKind))
async def test_the_preview_is_the_mail_with_sample_values(
    client: httpx.AsyncClient, database: Database, kind: MailKind
) -> None:
    admin = await staff_key(database, Role.ADMIN)
    required = "\n".join(f"{{{{ {name} }}}}" for name in sorted(KINDS[kind].required))
    for body in ({}, {"subject": "Typed", "body": f"Typed words\n\n{required}"}):
        answer = await client.post(f"{API}/{kind}.de/preview", json=body, headers=admin)
        assert answer.status_code == 200, answer.text
        preview = answer.json()
        assert ("Typed words" in preview["text"]) == ("Typed words" in preview["html"]) == bool(body)
        assert '<html lang="de">' in preview["html"]
        assert (await client.get(f"{API}/{kind}.de", headers=admin)).json()["is_edited"] is False


async def test_a_test_goes_to_the_person_who_asks_for_it(database: Database) -> None:
    who = await new_staff(database, Role.ADMIN)
    async with database.transaction() as tx:
        admin = Actor(Role.ADMIN, who.user.name, None, who.user, scopes=ALL_SCOPES)
        settings = await outbound_mail.mail_settings(tx, SETTINGS)
        await tx.write("delete from outbound_mail")
        sent = await outbound_mail.send_template_test(
            tx, admin, ("digest", "de"), {"subject": "Probe"}, render=render, now=NOW, settings=settings
        )
    shown = (sent.recipient, sent.subject, sent.kind, sent.company_id)
    assert shown == (who.user.email, "Probe", "test", PROVIDER_ID)
    async with running() as server, sending(database, server, Clock()):
        await eventually(lambda: _has(server.received, 1))
    assert [str(mail.message["Subject"]) for mail in server.received] == ["Probe"]
    part = server.received[0].message.get_body(("plain",))
    assert part is not None
    assert "Neuigkeiten" in part.get_content()


async def _has(received: list[Any], count: int) -> bool:
    return len(received) >= count


async def test_a_mail_needs_a_value_for_every_placeholder_that_its_text_may_have(database: Database) -> None:
    values = {**sample_values(MailKind.DIGEST)}
    del values["recipient.name"]
    async with database.transaction() as tx:
        with pytest.raises(ValueError, match="no values for recipient"):
            await mail_templates.render_mail(
                tx,
                MailKind.DIGEST,
                values,
                footer=sample_footer(MailKind.DIGEST),
                is_customer=True,
                link=str,
                render=render,
            )
