"""Messages that were made from mails: what was cut off, and the originals."""

from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from clearline.identity import Role
from clearline.mail.inbound import usecases as inbound_mail
from clearline.platform.database.transactions import Database
from clearline.tickets.domain import Ticket, ticket_number
from tests.builders.mail.inbound_rig import SUPPORT, InboundMailRig, a_mail, new_inbound_rig
from tests.builders.web.opened import HOSTILE
from tests.builders.web.pages import Page, Person, person

QUOTE = "> Which port is it?\n> We see errors on two of them."
OURS = "Which port is it?\n\nWe see errors on two of them."
HTML = "MIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n"


@pytest.fixture(scope="module")
async def rig(database: Database, tmp_path_factory: pytest.TempPathFactory) -> InboundMailRig:
    return await new_inbound_rig(database, Path(tmp_path_factory.mktemp("blobs")))


def path_of(ticket: Ticket) -> str:
    return f"/console/tickets/{ticket_number(ticket.number)}"


async def answered(rig: InboundMailRig, text: str) -> tuple[str, str, bytes]:
    """Answer our mail about a ticket; return the path of the ticket, that of the note, and the mail."""
    ticket = await rig.ticket()
    head = f"In-Reply-To: {await rig.send_mail(ticket, text=OURS)}\r\n"
    raw = a_mail(rig.sender, SUPPORT, text, head=head)
    mail = await rig.receive(raw)
    assert mail.state == "accepted", mail.reason
    assert mail.note_number is not None
    return path_of(ticket), f"{path_of(ticket)}/notes/{mail.note_number}", raw


async def test_what_was_cut_off_a_mail_is_folded_and_loaded_when_it_is_opened(
    rig: InboundMailRig, agent: Person
) -> None:
    path, note, _raw = await answered(rig, f"Port 7.\n\nOn Monday Ben Ito wrote:\n{QUOTE}")
    page = await agent.page(path)
    assert "Port 7." in page.text
    assert "Which port is it?" not in page.text
    [cut] = [details for details in page.all("details") if details.get("class") == "cut"]
    assert (cut["hx-get"], "open" in cut) == (f"{note}/cut", False)
    assert page.links(f"{path}/notes/") == [f"{note}/mail", f"{note}/mail"]
    assert "We see errors on two of them." in (await agent.page(f"{note}/cut")).text


async def test_the_original_of_a_mail_is_shown_and_downloaded(rig: InboundMailRig, agent: Person) -> None:
    path, note, raw = await answered(rig, f"Port 7.\n\nOn Monday Ben Ito wrote:\n{QUOTE}")
    page = await agent.page(f"{note}/mail")
    for text in ("From", rig.sender, "Subject", "Port 7.", "We see errors on two of them.", "Received", SUPPORT):
        assert text in page.text, text
    assert page.links(path)[0] == path
    answer = await agent.get(f"{note}/mail/raw")
    assert answer.content == raw
    assert answer.headers["content-type"] == "message/rfc822"
    assert answer.headers["content-disposition"].startswith("attachment; ")
    assert answer.headers["content-security-policy"] == "sandbox; default-src 'none'"


async def test_the_mail_that_raised_a_ticket_is_shown(rig: InboundMailRig, agent: Person) -> None:
    mail = await rig.receive(a_mail(rig.sender, SUPPORT, "No light since 08:00 UTC"))
    assert mail.ticket_number is not None
    path = f"/console/tickets/{ticket_number(mail.ticket_number)}"
    page = await agent.page(path)
    assert page.links(f"{path}/notes/") == [f"{path}/notes/0/mail"]
    assert "No light since 08:00 UTC" in (await agent.page(f"{path}/notes/0/mail")).text


async def test_the_markup_of_a_mail_is_never_shown_and_its_pictures_are_never_loaded(
    rig: InboundMailRig, agent: Person
) -> None:
    body = f'<p>Hello</p><img src="https://track.example.com/x.png"><script>alert(1)</script><b onclick="x()">{HOSTILE}'
    mail = await rig.receive(a_mail(rig.sender, SUPPORT, body).replace(b"text/plain", b"text/html"))
    assert mail.ticket_number is not None
    path = f"/console/tickets/{ticket_number(mail.ticket_number)}"
    for text in ((await agent.get(path)).text, (await agent.get(f"{path}/notes/0/mail")).text):
        page = Page(text)
        assert "Hello" in page.text
        assert page.all("img") == page.all("b") == []
        assert [script for script in page.all("script") if not script.get("src")] == []


async def test_no_header_or_file_name_of_a_mail_becomes_markup(rig: InboundMailRig, agent: Person) -> None:
    parts = (
        "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\n"
        f"{HOSTILE}\r\n--b\r\nContent-Type: text/plain\r\nContent-Disposition: attachment; "
        'filename="<img src=x onerror=alert(2)>.txt"\r\n\r\nlevels\r\n--b--\r\n'
    )
    head = f'From: "<img src=x>" <{rig.sender}>\r\nTo: {SUPPORT}\r\nSubject: <img src=x> {HOSTILE}\r\n'
    mail = await rig.receive(f"{head}Message-ID: <hostile@example.com>\r\n{parts}".encode())
    assert mail.ticket_number is not None
    path = f"/console/tickets/{ticket_number(mail.ticket_number)}"
    for address in (path, f"{path}/notes/0/mail"):
        page = await agent.page(address)
        assert "<img src=x" in page.text
        assert page.all("img") == []
        assert [script for script in page.all("script") if not script.get("src")] == []


async def test_a_mail_whose_content_was_deleted_keeps_its_sender(
    rig: InboundMailRig, agent: Person, database: Database
) -> None:
    _path, note, _raw = await answered(rig, "Port 7.")
    async with database.transaction() as tx:
        assert await inbound_mail.purge(tx, before=rig.at + timedelta(days=1)) > 0
    page = await agent.page(f"{note}/mail")
    assert "The content of this mail was deleted" in page.text
    assert rig.sender in page.text
    assert (await agent.get(f"{note}/mail/raw")).status_code == 404


async def test_a_message_without_a_mail_has_no_original(rig: InboundMailRig, agent: Person) -> None:
    path = path_of(await rig.ticket())
    assert (await agent.page(path)).links(f"{path}/notes/") == []
    for note in ("0", "1", "x", "9" * 13, "²"):
        for end in ("cut", "mail", "mail/raw"):
            assert (await agent.get(f"{path}/notes/{note}/{end}")).status_code == 404


async def test_a_viewer_reads_originals(rig: InboundMailRig, client: httpx.AsyncClient, database: Database) -> None:
    _path, note, raw = await answered(rig, f"Port 7.\n\nOn Monday Ben Ito wrote:\n{QUOTE}")
    viewer = await person(client, database, Role.VIEWER)
    assert "Port 7." in (await viewer.page(f"{note}/mail")).text
    assert (await viewer.get(f"{note}/mail/raw")).content == raw
