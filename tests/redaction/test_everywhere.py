"""What was redacted is nowhere any more: not in a plain dump of the database, and not in the store of files."""

import base64
import quopri
from datetime import timedelta
from email.header import Header
from html import escape
from typing import Any
from uuid import UUID

import pytest

from clearline import clock
from clearline.accounts import key_usecases as keys
from clearline.drafts import pending_usecases as pending
from clearline.drafts import usecases as drafts
from clearline.feedback import usecases as feedback
from clearline.feedback.domain import Ballot, Rating
from clearline.fields import usecases as own_fields
from clearline.fields.domain import FieldType, Option, RecordKind
from clearline.handovers import usecases as handovers
from clearline.identity import ALL_SCOPES, OPERATOR, PROVIDER_ID, Actor, Company, Role
from clearline.mail.inbound.domain import InboundState
from clearline.redactor import MARK
from clearline.tickets import usecases as tickets
from clearline.tickets.domain import Status, Waiting, parse_ticket_number
from clearline.tickets.note_domain import Visibility
from clearline.tickets.progress.facts import StatusFacts
from clearline.webhooks import subscription_usecases as subscriptions
from tests.builders.mail.inbound_rig import SUPPORT, a_mail
from tests.builders.people import id_of, new_person
from tests.builders.redaction.desk import Desk
from tests.builders.redaction.dumps import dump, files_with, tables_with
from tests.builders.webhooks.receiver import LOOPBACK

Json = dict[str, Any]
TITLE, TEXT, NOTE, MAIL, COPIED = "T1tleS3cret", "D3scrS3cret", "N0teS3cret", "M4ilS3cret", "C0pyS3cret"
FACTS = "F4ctS3cret"
PIN = "70414477"
"""The digits of a whole number."""
WRITTEN = {secret: f'{secret}&x "ü"' for secret in (TITLE, TEXT, NOTE, MAIL, COPIED, FACTS)}
"""The words of each secret: with characters that JSON, HTML and mail write in other ways."""
FILE = b"\x00 the keys of the router F1leS3cret \xff" * 50


async def admin_of(desk: Desk) -> tuple[Actor, dict[str, str]]:
    async with desk.database.transaction() as tx:
        admin = await new_person(tx, "Mara Lind", Role.ADMIN)
        _key, secret = await keys.create_key(
            tx, OPERATOR, PROVIDER_ID, user_id=id_of(admin), name="all", scopes=ALL_SCOPES, now=clock.now()
        )
    return admin, {"Authorization": f"Bearer {secret}"}


class Scene:
    """A ticket that every secret went through, and who works on it."""

    def __init__(self, desk: Desk, admin: Actor, headers: dict[str, str]) -> None:
        self.desk, self.admin, self.headers = desk, admin, headers
        self.customer = desk.rig.tenant.headers
        self.number = ""
        self.note: Json = {}
        self.file: Json = {}
        self.others: list[str] = []

    @property
    def serial(self) -> int:
        return parse_ticket_number(self.number) or 0

    async def subscribe(self) -> None:
        async with self.desk.database.transaction() as tx:
            for company in (Company(PROVIDER_ID, "Provider", "PROVIDER"), self.desk.rig.tenant.company):
                values = {"url": "http://127.0.0.1:9/hook", "types": ()}
                await subscriptions.add_subscription(
                    tx, OPERATOR, values, of=company, networks=LOOPBACK, now=clock.now()
                )

    async def raise_ticket(self) -> None:
        body = {
            "title": f"Port {WRITTEN[TITLE]}", "description": f"It says {WRITTEN[TEXT]}\nsince 08:00",
            "issue_type": "Circuit Down", "service": {"id": "SVC-1", "type": "Port"},
            "contact": {"name": "Ada", "phone": "", "email": self.desk.rig.sender},
        }  # fmt: skip
        created = await self.desk.post("tickets", self.customer | {"Idempotency-Key": "raise"}, body)
        self.number = created["number"]
        changed = await self.desk.client.patch(
            f"/api/v1/tickets/{self.number}", headers=self.headers | {"If-Match": "*"},
            json={"title": f"Port {WRITTEN[TITLE]} is down", "tags": [f"{TITLE}"], "priority": "critical"},
        )  # fmt: skip
        assert changed.status_code == 200, changed.text

    async def say_facts(self) -> None:
        """Give everything else of the ticket that takes words: the fault, a reminder, values of own fields."""
        words = WRITTEN[FACTS]
        for type_, key in (
            (FieldType.TEXT, "circuit"), (FieldType.DATE, "ordered"), (FieldType.CHOICE, "region"),
            (FieldType.INTEGER, "pin"), (FieldType.BOOLEAN, "urgent"),
        ):  # fmt: skip
            values = {"record": RecordKind.TICKET, "key": key, "label": key, "type": type_}
            options = {"options": (Option("emea", "Europe"),)} if type_ is FieldType.CHOICE else {}
            async with self.desk.database.transaction() as tx:
                await own_fields.add_field(tx, OPERATOR, values | options, now=clock.now())
        at = (clock.now() + timedelta(days=1)).isoformat()
        changed = await self.desk.client.patch(
            f"/api/v1/tickets/{self.number}", headers=self.headers | {"If-Match": "*"},
            json={
                "intermittent": f"Nightly {words}", "testing_consent": "within_hours", "testing_hours": words,
                "site_access": {"contact": words, "hours": words, "hazards": words},
                "reminder": {"at": at, "reason": words},
                "fields": {
                    "circuit": words, "ordered": "2026-11-29", "region": "emea", "pin": int(PIN), "urgent": True,
                },
            },
        )  # fmt: skip
        assert changed.status_code == 200, changed.text
        await self.desk.post(f"tickets/{self.number}/cases", self.headers, {
            "party": words, "number": words, "contact": {"name": words, "phone": words}, "notes": f"Call {words}",
        })  # fmt: skip

    async def write_notes(self) -> None:
        path = f"tickets/{self.number}/notes"
        await self.desk.post(path, self.headers | {"Idempotency-Key": "inside"}, {
            "text": f"They sent {WRITTEN[NOTE]}, and **{WRITTEN[TEXT]}**", "visibility": "internal",
        })  # fmt: skip
        self.note = await self.desk.post(
            path, self.customer | {"Idempotency-Key": "note"}, {"text": f"My password:\n{WRITTEN[NOTE]}"}
        )
        answer = await self.desk.client.post(
            f"/v2/support-tickets/{self.number}/addNote", headers=self.customer | {"Idempotency-Key": "cc"},
            json={"noteText": f"Again {WRITTEN[NOTE]}"},
        )  # fmt: skip
        assert answer.status_code < 300, answer.text

    async def copy(self) -> None:
        """Split a note off, and merge another ticket with the same words."""
        split = await self.desk.post(f"tickets/{self.number}/split", self.headers, {
            "title": "Another matter", "description": f"See {WRITTEN[COPIED]}", "notes": [self.note["id"]],
        })  # fmt: skip
        body = {
            "title": f"The same: {WRITTEN[COPIED]}", "description": WRITTEN[TEXT], "issue_type": "Others",
            "service": {"id": "SVC-1", "type": "Port"},
        }  # fmt: skip
        merged = await self.desk.post("tickets", self.customer, body)
        await self.desk.post(f"tickets/{self.number}/notes", self.customer, {"text": WRITTEN[COPIED]})
        await self.desk.post(f"tickets/{merged['number']}/merge", self.headers, {"into": self.number}, 200)
        self.others = [split["number"], merged["number"]]

    async def write_beside(self) -> None:
        """Keep words in drafts, messages, handovers, ratings and jobs."""
        at = clock.now()
        text = " ".join(WRITTEN.values())
        async with self.desk.database.transaction() as tx:
            await drafts.save_draft(
                tx, self.admin, self.serial, text, visibility=Visibility.PUBLIC, writer="here", then=Status.HELD,
                facts=StatusFacts(waiting=Waiting("third_party", text)), now=at,
            )  # fmt: skip
            await handovers.sign_off(tx, self.admin, f"{self.number}: {text}", now=at)
            await tx.write("update ticket set resolved_at = $2 where number = $1", self.serial, at)
            ballot = Ballot(self.desk.rig.tenant.company.id, self.serial, at, self.desk.rig.sender)
            await feedback.rate(tx, ballot, Rating.BAD, text, now=at)
        await self.desk.post("bulk", self.headers, {
            "tickets": [self.number], "action": {"type": "note", "text": text, "visibility": "internal"},
        }, 202)  # fmt: skip

    async def hold_message(self) -> None:
        """Hold a message that can still be taken back. A job or a merge would send it."""
        text = " ".join(WRITTEN.values())
        async with self.desk.database.transaction() as tx:
            await pending.hold_message(
                tx, self.admin, self.serial, text, visibility=Visibility.PUBLIC, then=Status.HELD,
                facts=StatusFacts(waiting=Waiting("third_party", WRITTEN[NOTE])), seconds=60, now=clock.now(),
            )  # fmt: skip

    async def receive_mails(self) -> None:
        """Receive answers in every encoding, and mails that belong to no ticket but quote it."""
        rig = self.desk.rig
        rig.at = clock.now() - timedelta(hours=8)
        async with self.desk.database.transaction() as tx:
            ticket = (await tickets.get_ticket(tx, OPERATOR, self.serial)).ticket
        sent = await rig.send_mail(
            ticket, text=f"About {WRITTEN[NOTE]} and {WRITTEN[MAIL]}", html=f"<p>{escape(WRITTEN[NOTE])}</p>"
        )
        text = f"It is {WRITTEN[MAIL]}.\r\n\r\nOn Sunday, Support wrote:\r\n> {WRITTEN[NOTE]}\r\n> {WRITTEN[MAIL]}\r\n"
        to, reference = rig.reply_to(ticket), f"In-Reply-To: {sent}\r\nReferences: {sent}\r\n"
        for kind, encoding, body in (
            ("plain", "8bit", text.encode()),
            ("plain", "base64", base64.encodebytes(text.encode())),
            ("plain", "quoted-printable", quopri.encodestring(text.replace("\r\n", "\n").encode())),
            ("html", "quoted-printable", quopri.encodestring(f"<p>{MAIL}&amp;x &quot;&uuml;&quot;</p>".encode())),
        ):
            raw = (
                f"From: {rig.sender}\r\nTo: {to}\r\nSubject: Re: {Header(WRITTEN[MAIL], 'utf-8').encode()}\r\n"
                f"Message-ID: <{kind}-{encoding}@mail.example.com>\r\n{reference}MIME-Version: 1.0\r\n"
                f"Content-Type: text/{kind}; charset=utf-8\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
            ).encode() + body
            received = await rig.receive(raw)
            assert (received.state, received.ticket_number) == (InboundState.ACCEPTED, self.serial)
        stranger = a_mail("stranger@example.org", SUPPORT, f"Look: {WRITTEN[MAIL]}", f"[{self.number}]", reference)
        assert (await rig.receive(stranger)).ticket_number is None

    async def add_files(self) -> None:
        """Attach a file by the API, and receive the same in a mail."""
        answer = await self.desk.client.post(
            f"/api/v1/tickets/{self.number}/attachments?name=router.bin", content=FILE,
            headers=self.customer | {"Content-Type": "application/octet-stream", "Idempotency-Key": "file"},
        )  # fmt: skip
        assert answer.status_code == 201, answer.text
        self.file = answer.json()
        async with self.desk.database.transaction() as tx:
            ticket = (await tickets.get_ticket(tx, OPERATOR, self.serial)).ticket
        raw = (
            f"From: {self.desk.rig.sender}\r\nTo: {self.desk.rig.reply_to(ticket)}\r\nSubject: File\r\n"
            "Message-ID: <file@mail.example.com>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n"
            "\r\n--b\r\nContent-Type: text/plain\r\n\r\nSee it.\r\n--b\r\nContent-Type: application/octet-stream; "
            'name="router.bin"\r\nContent-Transfer-Encoding: base64\r\n\r\n'
        ).encode() + base64.encodebytes(FILE) + b"\r\n--b--\r\n"  # fmt: skip
        await self.desk.rig.receive(raw)

    async def redact(self, target: str, words: str | None, id_: str | None = None) -> Json:
        body: Json = {"target": target, "reason": "A password of the customer"}
        body |= {} if words is None else {"text": words}
        body |= {} if id_ is None else {"id": id_}
        redaction: Json = await self.desk.post(f"tickets/{self.number}/redactions", self.headers, body)
        return redaction


@pytest.fixture
async def scene(desk: Desk) -> Scene:
    new = Scene(desk, *await admin_of(desk))
    await new.subscribe()
    await new.raise_ticket()
    await new.say_facts()
    await new.write_notes()
    await new.receive_mails()
    await new.add_files()
    await new.copy()
    await new.write_beside()
    await desk.run_jobs()
    await new.hold_message()
    return new


HELD_BY = {
    TITLE: {"ticket", "event", "idempotency_key", "delivery", "outbound_mail", "handover", "draft",
            "pending_message", "feedback", "job", "note"},
    TEXT: {"ticket", "note", "idempotency_key", "handover", "draft", "pending_message", "feedback"},
    NOTE: {"note", "idempotency_key", "outbound_mail", "inbound_mail", "handover", "draft", "pending_message"},
    MAIL: {"note", "inbound_mail", "outbound_mail", "handover", "draft", "pending_message"},
    COPIED: {"ticket", "note", "handover", "draft", "pending_message"},
    FACTS: {"ticket", "ticket_case", "event", "draft", "handover"},
    PIN: {"ticket", "ticket_field", "event", "delivery"},
}  # fmt: skip
"""The tables that hold each secret before: without them, the test would prove nothing."""


async def test_redacted_words_are_nowhere(scene: Scene) -> None:
    desk = scene.desk
    before = await dump(desk.url)
    for secret, tables in HELD_BY.items():
        held = tables_with(before, secret)
        assert tables <= held, (secret, tables - held)
    async with desk.database.transaction() as tx:
        mail_id: UUID = await tx.fetchval("select id from inbound_mail where message_id like '%base64%'")
    await scene.redact("title", WRITTEN[TITLE])
    await scene.redact("description", WRITTEN[TEXT])
    await scene.redact("note", WRITTEN[NOTE], scene.note["id"])
    await scene.redact("mail", WRITTEN[MAIL], str(mail_id))
    notes = (await desk.client.get(f"/api/v1/tickets/{scene.number}/notes?limit=200", headers=scene.headers)).json()
    copied = next(note for note in notes["data"] if COPIED in note["text"])
    await scene.redact("note", WRITTEN[COPIED], copied["id"])
    await scene.redact("ticket", WRITTEN[FACTS])
    await scene.redact("ticket", PIN)
    await scene.redact("ticket", TITLE)  # a tag has only a part of the words
    assert await desk.redact_all()
    after = await dump(desk.url)
    for secret in HELD_BY:
        # A tag, an alt text and a subject hold less than the words; they have to be redacted by themselves.
        assert tables_with(after, WRITTEN.get(secret, secret).partition(" ")[0]) == set(), secret
        assert tables_with(after, secret.lower()) == set(), secret  # the index of the search has small letters
    assert before.count(MARK) == 0


async def test_own_fields_lose_the_words_and_values_that_are_no_texts(scene: Scene) -> None:
    desk = scene.desk
    assert FACTS.lower() in {name.partition("&")[0] for name in await listed_values(desk)}
    await scene.redact("ticket", WRITTEN[FACTS])
    await scene.redact("ticket", PIN[2:6])
    await desk.redact_all()
    ticket = (await desk.client.get(f"/api/v1/tickets/{scene.number}", headers=scene.headers)).json()
    assert ticket["fields"] == {"circuit": MARK, "ordered": "2026-11-29", "region": "emea", "urgent": True}
    assert ticket["site_access"] == {"contact": MARK, "hours": MARK, "hazards": MARK}
    assert (ticket["intermittent"], ticket["testing_hours"]) == (f"Nightly {MARK}", MARK)
    assert ticket["reminder"]["reason"] == MARK
    assert await listed_values(desk) == {MARK, "2026-11-29", "emea", "true"}
    await scene.redact("ticket", "2026-11-29")
    await desk.redact_all()
    ticket = (await desk.client.get(f"/api/v1/tickets/{scene.number}", headers=scene.headers)).json()
    assert ticket["fields"] == {"circuit": MARK, "region": "emea", "urgent": True}


async def listed_values(desk: Desk) -> set[str]:
    """Return the values of own fields by which lists filter."""
    async with desk.database.statement() as tx:
        return {row[0] for row in await tx.fetch("select value from ticket_field")}


async def test_a_retry_replays_the_status_and_the_id_without_the_words(scene: Scene) -> None:
    await scene.redact("note", WRITTEN[NOTE], scene.note["id"])
    await scene.desk.redact_all()
    retried = await scene.desk.post(
        f"tickets/{scene.number}/notes", scene.customer | {"Idempotency-Key": "note"},
        {"text": f"My password:\n{WRITTEN[NOTE]}"},
    )  # fmt: skip
    assert (retried["id"], retried["text"]) == (scene.note["id"], f"My password:\n{MARK}")


async def test_a_redacted_file_is_nowhere(scene: Scene) -> None:
    desk = scene.desk
    assert len(files_with(desk.files, FILE)) == 2
    assert {"attachment", "inbound_mail"} <= tables_with(await dump(desk.url), "router.bin")
    assert "inbound_mail" in tables_with(await dump(desk.url), "F1leS3cret")
    await scene.redact("attachment", None, scene.file["id"])
    assert files_with(desk.files, FILE) == []
    await desk.redact_all()
    dumped = await dump(desk.url)
    assert tables_with(dumped, "F1leS3cret") == set()
    assert tables_with(dumped, "router.bin") == set()
    assert "See it." in dumped


async def test_search_and_export_do_not_find_the_words_at_once(scene: Scene) -> None:
    desk = scene.desk
    query = {"q": TITLE}
    found = (await desk.client.get("/api/v1/search", headers=scene.headers, params=query)).json()
    assert scene.number in {hit["number"] for hit in found["data"]}
    await scene.redact("title", TITLE)
    found = (await desk.client.get("/api/v1/search", headers=scene.headers, params=query)).json()
    assert found["data"] == []
    export = await desk.client.get("/api/v1/exports/tickets", headers=scene.headers)
    assert TITLE not in export.text


async def test_the_words_are_sealed_until_the_work_is_done(scene: Scene) -> None:
    desk = scene.desk
    started = await scene.redact("description", WRITTEN[TEXT])
    assert started["finished_at"] is None
    async with desk.database.transaction() as tx:
        sealed = await tx.fetchval("select sealed from redaction")
    assert TEXT.encode() not in sealed
    await desk.redact_all()
    path = f"/api/v1/tickets/{scene.number}/redactions/{started['id']}"
    done = (await desk.client.get(path, headers=scene.headers)).json()
    assert done["finished_at"] is not None
    assert done["places"] > started["places"] > 0
    async with desk.database.transaction() as tx:
        assert await tx.fetchval("select sealed from redaction") is None
