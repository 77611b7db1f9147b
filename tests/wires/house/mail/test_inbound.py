from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from clearline.accounts import key_usecases as keys
from clearline.accounts import usecases as accounts
from clearline.identity import OPERATOR, Role
from clearline.platform.database.transactions import Database
from clearline.settings.settings import Settings
from clearline.tickets.domain import Status, ticket_number
from tests.builders.application import serving
from tests.builders.console_connect import move
from tests.builders.house import pointers, problem
from tests.builders.mail.inbound_rig import SUPPORT, InboundMailRig, a_mail, new_inbound_rig
from tests.builders.people import Tenant, staff_key

MAILS = "/api/v1/inbound-mails"
MALLORY = "mallory@example.org"
Headers = dict[str, str]


@pytest.fixture(scope="module")
async def client(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[httpx.AsyncClient]:
    folder = tmp_path_factory.mktemp("attachments")
    settings = Settings(
        database_url=database_url, rate_limit=0, access_log=False, attachments=str(folder), workers=False,
        mail_from=f"Support <{SUPPORT}>",
    )  # fmt: skip
    async with serving(settings) as opened:
        yield opened


@pytest.fixture(scope="module")
async def rig(database: Database, tmp_path_factory: pytest.TempPathFactory) -> InboundMailRig:
    new_rig = await new_inbound_rig(database, Path(tmp_path_factory.mktemp("blobs")))
    new_rig.at = datetime.now(UTC)
    return new_rig


async def quarantined_mail(rig: InboundMailRig, sender: str = "", **fields: str) -> str:
    """Receive a mail that is quarantined; return its id."""
    mail = await rig.receive(a_mail(sender or f"{uuid4().hex[:6]}@example.org", SUPPORT, **fields))
    assert mail.state == "quarantined", mail.reason
    return str(mail.id)


async def release(client: httpx.AsyncClient, agent: Headers, mail: str, **body: Any) -> httpx.Response:
    return await client.post(f"{MAILS}/{mail}/release", json=body, headers=agent)


async def test_a_mail_is_listed_read_and_downloaded(
    client: httpx.AsyncClient, rig: InboundMailRig, agent: Headers
) -> None:
    raw = a_mail(f"Mallory <{MALLORY}>", SUPPORT, "Read <b>me</b>", "=?utf-8?q?Gr=C3=BC=C3=9Fe?=")
    mail = await rig.receive(raw)
    listed = (await client.get(f"{MAILS}?state=quarantined&limit=1", headers=agent)).json()
    assert listed["data"] == [
        {
            "id": str(mail.id),
            "mailbox_id": str(rig.mailbox.id),
            "received_at": listed["data"][0]["received_at"],
            "envelope_from": MALLORY,
            "envelope_to": [SUPPORT],
            "sender": MALLORY,
            "subject": "Grüße",
            "message_id": mail.message_id,
            "size": len(raw),
            "state": "quarantined",
            "reason": "its sender is unknown",
            "ticket": None,
            "note": None,
            "decided_by": None,
            "decided_at": None,
        }
    ]
    read = (await client.get(f"{MAILS}/{mail.id}", headers=agent)).json()
    assert {name: read[name] for name in listed["data"][0]} == listed["data"][0]
    assert (read["text"], read["files"]) == ("Read <b>me</b>", [])
    assert {"name": "Subject", "value": "Grüße"} in read["headers"]
    download = await client.get(f"{MAILS}/{mail.id}/raw", headers=agent)
    assert (download.content, download.headers["content-type"]) == (raw, "message/rfc822")
    assert download.headers["content-disposition"].startswith("attachment")
    assert "sandbox" in download.headers["content-security-policy"]
    head = await client.head(f"{MAILS}/{mail.id}/raw", headers=agent)
    assert (head.content, head.headers["content-length"]) == (b"", str(len(raw)))


async def test_mails_are_listed_page_by_page(client: httpx.AsyncClient, rig: InboundMailRig, agent: Headers) -> None:
    expected = [await quarantined_mail(rig) for _ in range(5)][::-1]
    for state in ("", "&state=quarantined"):
        ids: list[str] = []
        path = f"{MAILS}?limit=2{state}"
        while len(ids) < 5:
            page = await client.get(path, headers=agent)
            ids += [mail["id"] for mail in page.json()["data"]]
            path = page.links.get("next", {}).get("url", "")
        assert ids[:5] == expected


async def test_a_mail_is_released_to_a_ticket(client: httpx.AsyncClient, rig: InboundMailRig, agent: Headers) -> None:
    ticket = await rig.ticket()
    mail = await quarantined_mail(rig, MALLORY, text="It was me.")
    answer = await release(client, agent, mail, ticket=ticket_number(ticket.number))
    assert answer.status_code == 200, answer.text
    [note] = await rig.notes(ticket.number)
    assert (note.text, note.source, note.author) == ("It was me.", "buyer", MALLORY)
    body = answer.json()
    assert (body["state"], body["ticket"], body["decided_by"] is not None) == (
        "accepted", ticket_number(ticket.number), True,
    )  # fmt: skip
    problem(await release(client, agent, mail, ticket=ticket_number(ticket.number)), "conflict")
    problem(await client.post(f"{MAILS}/{mail}/discard", json={}, headers=agent), "conflict")
    reply = await rig.receive(a_mail(rig.sender, SUPPORT, "Threads", head=f"In-Reply-To: {body['message_id']}\r\n"))
    assert reply.ticket_number == ticket.number


async def test_a_mail_is_released_as_a_ticket(client: httpx.AsyncClient, rig: InboundMailRig, agent: Headers) -> None:
    head = "Auto-Submitted: auto-generated\r\n"
    mail = await rig.receive(a_mail(f"Probe <{MALLORY}>", SUPPORT, "SVC-2 is down.", "Alarm", head))
    assert mail.state == "ignored"
    answer = await release(client, agent, str(mail.id), company=rig.tenant.company.code)
    assert answer.status_code == 200, answer.text
    ticket = (await client.get(f"/api/v1/tickets/{answer.json()['ticket']}", headers=rig.tenant.headers)).json()
    assert (ticket["title"], ticket["description"]) == ("Alarm", "SVC-2 is down.")
    assert ticket["contact"] == {"name": "Probe", "phone": "", "email": MALLORY}
    assert (ticket["service"]["id"], ticket["channel"]) == ("SVC-2", "Email")


async def test_discarding_a_mail_is_in_the_audit(
    client: httpx.AsyncClient, database: Database, rig: InboundMailRig, agent: Headers
) -> None:
    mail = await quarantined_mail(rig, text="a secret of the sender")
    answer = await client.post(f"{MAILS}/{mail}/discard", json={}, headers=agent)
    assert (answer.status_code, answer.json()["state"]) == (200, "discarded")
    admin = await staff_key(database, Role.ADMIN)
    events = (await client.get("/api/v1/audit?type=inbound_mail.", headers=admin)).json()["data"]
    assert (events[0]["type"], events[0]["data"]["id"]) == ("inbound_mail.discarded", mail)
    assert "a secret" not in str(events)


async def test_an_invalid_release_changes_nothing(
    client: httpx.AsyncClient, database: Database, rig: InboundMailRig, agent: Headers
) -> None:
    mail = await quarantined_mail(rig)
    finished = await rig.ticket()
    number = ticket_number(finished.number)
    await move(database, number, Status.REJECTED)
    assert pointers(await release(client, agent, mail)) == ["/ticket"]
    assert pointers(await release(client, agent, mail, ticket=number, company="x")) == ["/ticket"]
    problem(await release(client, agent, mail, ticket="INC999999999999"), "not-found")
    problem(await release(client, agent, mail, company="nobody"), "not-found")
    problem(await release(client, agent, mail, ticket=number), "ticket-finished")
    problem(await release(client, agent, str(uuid4()), ticket=number), "not-found")
    assert pointers(await release(client, agent, mail, company="PROVIDER")) == ["/company"]
    assert (await client.get(f"{MAILS}/{mail}", headers=agent)).json()["state"] == "quarantined"


REPLY = (
    "The optic is new.\n-- \nAda\n\nOn Sun, 1 Mar 2026 at 11:00, Support <support@example.net> wrote:\n> Which optic?"
)
TRIMMED = "--\nAda\n\nOn Sun, 1 Mar 2026 at 11:00, Support <support@example.net> wrote:\n> Which optic?"


async def test_a_note_names_its_mail_and_keeps_what_was_trimmed(
    client: httpx.AsyncClient, database: Database, rig: InboundMailRig, agent: Headers
) -> None:
    ticket = await rig.ticket()
    mail = await rig.receive(a_mail(rig.sender, rig.reply_to(ticket), REPLY))
    at = f"/api/v1/tickets/{ticket_number(ticket.number)}/notes"
    [note] = (await client.get(at, headers=agent)).json()["data"]
    assert (note["text"], note["mail_id"], note["has_trimmed_text"]) == ("The optic is new.", str(mail.id), True)
    path = f"{at}/{note['id']}/trimmed-text"
    async with database.transaction() as tx:
        colleague = await accounts.add_user(
            tx, OPERATOR, rig.tenant.company.code, name="Cid", email=f"{uuid4().hex}@example.com", phone="", now=rig.at
        )
        _, secret = await keys.create_key(
            tx, OPERATOR, rig.tenant.company.code, user_id=colleague.id, name="Cid", now=rig.at
        )
    for headers in (agent, rig.tenant.headers):
        answer = await client.get(path, headers=headers)
        assert (answer.status_code, answer.json()) == (
            200, {"note": note["id"], "mail_id": str(mail.id), "text": TRIMMED},
        )  # fmt: skip
        assert (await client.get(f"{at}/{note['id']}", headers=headers)).json() == note
    for headers in ({"Authorization": f"Bearer {secret}"}, rig.other.headers):
        problem(await client.get(path, headers=headers), "not-found")
    read = (await client.get(at, headers={"Authorization": f"Bearer {secret}"})).json()["data"]
    assert read == [{**note, "has_trimmed_text": False}]
    assert "Which optic" not in str(read)


async def test_a_note_without_trimmed_text_has_none_to_read(
    client: httpx.AsyncClient, rig: InboundMailRig, agent: Headers
) -> None:
    ticket = await rig.ticket()
    mail = await rig.receive(a_mail(rig.sender, rig.reply_to(ticket), "Up again."))
    at = f"/api/v1/tickets/{ticket_number(ticket.number)}/notes"
    [note] = (await client.get(at, headers=agent)).json()["data"]
    assert (note["mail_id"], note["has_trimmed_text"]) == (str(mail.id), False)
    for name in (note["id"], "WLG999999999999", "x"):
        problem(await client.get(f"{at}/{name}/trimmed-text", headers=agent), "not-found")


async def test_a_released_mail_keeps_what_was_trimmed(
    client: httpx.AsyncClient, rig: InboundMailRig, agent: Headers
) -> None:
    ticket = await rig.ticket()
    number = ticket_number(ticket.number)
    quote_alone = REPLY.partition("\n\n")[2]
    for text, said, trimmed in ((REPLY, "The optic is new.", TRIMMED), (quote_alone, quote_alone, None)):
        mail = await quarantined_mail(rig, text=text)
        assert (await release(client, agent, mail, ticket=number)).status_code == 200
        note = (await client.get(f"/api/v1/tickets/{number}/notes", headers=agent)).json()["data"][-1]
        assert (note["text"], note["mail_id"], note["has_trimmed_text"]) == (said, mail, trimmed is not None)
        answer = await client.get(f"/api/v1/tickets/{number}/notes/{note['id']}/trimmed-text", headers=agent)
        assert answer.json().get("text") == trimmed
        hidden = await client.get(
            f"/api/v1/tickets/{number}/notes/{note['id']}/trimmed-text", headers=rig.tenant.headers
        )
        problem(hidden, "not-found")


async def test_the_trimmed_text_of_a_merged_ticket_and_of_a_copy_is_kept(
    client: httpx.AsyncClient, rig: InboundMailRig, agent: Headers
) -> None:
    ticket, into = await rig.ticket(), await rig.ticket()
    mail = await rig.receive(a_mail(rig.sender, rig.reply_to(ticket), REPLY))
    at = "/api/v1/tickets/"
    source, target = at + ticket_number(ticket.number), at + ticket_number(into.number)
    [note] = (await client.get(f"{source}/notes", headers=agent)).json()["data"]
    body = {"title": "Optic", "description": "Split off", "notes": [note["id"]]}
    copy = (await client.post(f"{source}/split", json=body, headers=agent)).json()["number"]
    merged = await client.post(f"{source}/merge", json={"into": ticket_number(into.number)}, headers=agent)
    assert merged.status_code == 200, merged.text
    for path in (target, f"{at}{copy}"):
        notes = (await client.get(f"{path}/notes", headers=rig.tenant.headers)).json()["data"]
        [copied] = [entry for entry in notes if entry["mail_id"] == str(mail.id)]
        answer = await client.get(f"{path}/notes/{copied['id']}/trimmed-text", headers=rig.tenant.headers)
        assert answer.json()["text"] == TRIMMED


async def test_the_mails_of_a_ticket_are_listed(client: httpx.AsyncClient, rig: InboundMailRig, agent: Headers) -> None:
    raised = await rig.receive(a_mail(rig.sender, SUPPORT, "No light"))
    assert raised.ticket_number is not None
    number = ticket_number(raised.ticket_number)
    head = f"References: {raised.message_id}\r\n"
    expected = [str(raised.id)]
    expected += [str((await rig.receive(a_mail(rig.sender, SUPPORT, f"Mail {n}", head=head))).id) for n in range(3)]
    await rig.receive(a_mail(rig.sender, SUPPORT, "About another"))
    ids: list[str] = []
    path = f"{MAILS}?limit=2&ticket={number}"
    while path:
        page = await client.get(path, headers=agent)
        ids += [entry["id"] for entry in page.json()["data"]]
        assert {entry["ticket"] for entry in page.json()["data"]} == {number}
        path = page.links.get("next", {}).get("url", "")
    assert ids == expected[::-1]
    assert (await client.get(f"{MAILS}?ticket={number}&state=quarantined", headers=agent)).json()["data"] == []
    answer = await client.get(f"{MAILS}?ticket=INC999999999999", headers=agent)
    assert pointers(answer, "invalid-parameter") == ["ticket"]
    assert pointers(await client.get(f"{MAILS}?ticket=x", headers=agent), "invalid-parameter") == ["ticket"]


async def test_customers_may_not_read_inbound_mail(
    client: httpx.AsyncClient, rig: InboundMailRig, tenant: Tenant
) -> None:
    mail = await quarantined_mail(rig)
    for path in ("", f"/{mail}", f"/{mail}/raw"):
        assert (await client.get(MAILS + path, headers=tenant.headers)).status_code == 403
    for path in (f"/{mail}/discard", f"/{mail}/release"):
        body = {} if "discard" in path else {"company": "x"}
        assert (await client.post(MAILS + path, json=body, headers=tenant.headers)).status_code == 403
