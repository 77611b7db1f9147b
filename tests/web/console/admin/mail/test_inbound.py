"""The review of mail that came in."""

from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from clearline.identity import OPERATOR, Role
from clearline.mail.inbound.domain import InboundMail, InboundState
from clearline.platform.database.transactions import Database
from clearline.tickets import usecases as tickets
from clearline.tickets.domain import ticket_number
from tests.builders.mail.inbound_rig import SUPPORT, InboundMailRig, a_mail, new_inbound_rig
from tests.builders.web.pages import Page, Person, person

REVIEW = "/console/admin/mail-review"
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
async def admin(client: httpx.AsyncClient, database: Database) -> Person:
    return await person(client, database, Role.ADMIN, "Ada Admin")


@pytest.fixture(scope="module")
async def rig(database: Database, tmp_path_factory: pytest.TempPathFactory) -> InboundMailRig:
    return await new_inbound_rig(database, Path(tmp_path_factory.mktemp("blobs")))


async def quarantined(rig: InboundMailRig, text: str = "Our port is down", subject: str = "Port") -> InboundMail:
    """Receive a mail of a sender whom the desk does not know."""
    mail = await rig.receive(a_mail(f"{uuid4().hex}@unknown.example.org", SUPPORT, text, subject))
    assert mail.state is InboundState.QUARANTINED
    return mail


async def test_a_mail_in_quarantine_is_listed_with_its_reason_headers_and_text(
    admin: Person, rig: InboundMailRig
) -> None:
    mail = await quarantined(rig, "The port is <b>down</b>", "Port 7 is down")
    listed = await admin.page(REVIEW)
    assert "Port 7 is down" in listed.text
    page = await admin.page(f"{REVIEW}/{mail.id}")
    assert mail.reason
    for text in ("Quarantine", mail.reason, mail.sender, SUPPORT, "The port is <b>down</b>", "Port 7 is down"):
        assert text in page.text
    assert f"{REVIEW}/{mail.id}/raw" in page.links(REVIEW)


async def test_a_mail_is_downloaded_byte_for_byte(admin: Person, rig: InboundMailRig) -> None:
    mail = await quarantined(rig, "Byte for byte")
    answer = await admin.get(f"{REVIEW}/{mail.id}/raw")
    assert answer.status_code == 200
    assert b"Byte for byte" in answer.content
    assert len(answer.content) == mail.size
    assert answer.headers["content-type"] == "message/rfc822"
    assert answer.headers["content-disposition"].startswith("attachment;")
    assert "sandbox" in answer.headers["content-security-policy"]


async def test_a_mail_is_released_into_a_ticket_once(admin: Person, rig: InboundMailRig) -> None:
    ticket = await rig.ticket()
    mail = await quarantined(rig, "More about it")
    released = await admin.post(f"{REVIEW}/{mail.id}/release", ticket=ticket_number(ticket.number))
    assert released.status_code == 303, released.text
    page = await admin.page(released.headers["location"])
    assert "Released." in page.text
    assert f"/console/tickets/{ticket_number(ticket.number)}" in page.links("/console/tickets/")
    assert [note.text for note in await rig.notes(ticket.number)] == ["More about it"]
    again = await admin.post(f"{REVIEW}/{mail.id}/release", ticket=ticket_number(ticket.number))
    assert again.status_code == 409
    assert "The mail is accepted" in Page(again.text).text
    assert len(await rig.notes(ticket.number)) == 1


async def test_a_mail_becomes_a_ticket_of_a_company(database: Database, admin: Person, rig: InboundMailRig) -> None:
    mail = await quarantined(rig, "Our port is down", "A new matter")
    released = await admin.post(f"{REVIEW}/{mail.id}/release", company=rig.tenant.company.code)
    assert released.status_code == 303, released.text
    decided = await rig.mail(mail.id)
    assert decided.ticket_number is not None
    async with database.transaction() as tx:
        ticket = (await tickets.get_ticket(tx, OPERATOR, decided.ticket_number)).ticket
    assert (ticket.title, ticket.company_id, ticket.contact.email) == (
        "A new matter", rig.tenant.company.id, mail.sender,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("field", "wrong", "shown"),
    [
        ("ticket", "", "Must be a ticket's number"),
        ("ticket", "nothing", "Must be a ticket's number"),
        ("ticket", "INC999999999999", "Must name a ticket, and there is none."),
        ("ticket", HOSTILE, "Must be a ticket's number"),
        ("company", "", "Must name a company, and there is none."),
        ("company", "Nobody Inc", "Must name a company, and there is none."),
        ("company", HOSTILE, "Must name a company, and there is none."),
        ("company", "PROVIDER", "Must"),
    ],
)
async def test_a_refused_release_names_the_field_and_leaves_the_mail(
    admin: Person, rig: InboundMailRig, field: str, wrong: str, shown: str
) -> None:
    mail = await quarantined(rig)
    refused = await admin.post(f"{REVIEW}/{mail.id}/release", **{field: wrong})
    assert refused.status_code == 422, refused.text
    assert shown in Page(refused.text).text
    assert f'id="about-{field}"' in refused.text
    assert "<script>alert" not in refused.text
    assert (await rig.mail(mail.id)).state is InboundState.QUARANTINED


async def test_a_mail_is_discarded(admin: Person, rig: InboundMailRig) -> None:
    mail = await quarantined(rig)
    discarded = await admin.post(f"{REVIEW}/{mail.id}/discard")
    page = await admin.page(discarded.headers["location"])
    assert "Discarded. The mail became nothing." in page.text
    assert "Discard this mail" not in page.text
    assert (await rig.mail(mail.id)).state is InboundState.DISCARDED
    assert (await admin.post(f"{REVIEW}/{mail.id}/release", company="ANY")).status_code == 409
    assert f"{REVIEW}/{mail.id}?state=discarded" in (await admin.page(f"{REVIEW}?state=discarded")).links(REVIEW)
    assert f"{REVIEW}/{mail.id}" not in (await admin.page(REVIEW)).links(REVIEW)


async def test_the_list_goes_on_behind_its_first_page(database: Database, admin: Person, rig: InboundMailRig) -> None:
    mail = await quarantined(rig)
    async with database.transaction() as tx:
        await tx.write(
            """insert into inbound_mail (id, mailbox_id, received_at, envelope_from, envelope_to, sender, subject,
                                         message_id, size, state, reason, attempts, fingerprint, body_hash)
               select gen_random_uuid(), mailbox_id, received_at - n * interval '1 minute', envelope_from, envelope_to,
                      sender, 'Mail ' || n, null, size, state, reason, attempts, sha256(n::text::bytea),
                      sha256(n::text::bytea)
                 from inbound_mail, generate_series(1, 103) n where id = $1""",
            mail.id,
        )
    first = await admin.page(f"{REVIEW}?state=all")
    [older] = first.links(f"{REVIEW}?state=all&after=")
    second = await admin.page(older)
    shown = [*first.links(f"{REVIEW}/"), *second.links(f"{REVIEW}/")]
    assert len(shown) == len(set(shown)) > 103
    assert (await admin.get(older.replace("all", "ignored"))).status_code == 400


async def test_a_hostile_mail_is_shown_as_text(admin: Person, rig: InboundMailRig) -> None:
    mail = await quarantined(rig, HOSTILE, HOSTILE)
    for address in (REVIEW, f"{REVIEW}/{mail.id}"):
        answer = await admin.get(address)
        assert answer.status_code == 200
        assert "<script>alert" not in answer.text
        assert not [tag for tag, attributes in Page(answer.text).tags if "onerror" in attributes]
