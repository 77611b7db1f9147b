"""A person who left traces in every table: as a customer's admin, as a contact, in mail, and in what others wrote."""

import base64
import quopri
from datetime import timedelta
from typing import Any
from uuid import uuid4

from clearline import clock
from clearline.accounts import key_usecases as keys
from clearline.accounts import usecases as accounts
from clearline.drafts import pending_usecases as pending
from clearline.drafts import usecases as drafts
from clearline.feedback import usecases as feedback
from clearline.feedback.domain import Ballot, Rating
from clearline.handovers import usecases as handovers
from clearline.identity import ALL_SCOPES, OPERATOR, PROVIDER_ID, Actor, Company, Role, User
from clearline.tickets import usecases as tickets
from clearline.tickets.domain import Status, parse_ticket_number
from clearline.tickets.note_domain import Visibility
from clearline.tickets.progress.facts import StatusFacts
from clearline.webhooks import subscription_usecases as subscriptions
from tests.builders.mail.inbound_rig import SUPPORT, a_mail
from tests.builders.people import id_of, new_person
from tests.builders.redaction.desk import Desk
from tests.builders.webhooks.receiver import LOOPBACK

Json = dict[str, Any]
NAME, PHONE = "Zdenka Marevski", "+1-555-017-7421"
ADDRESS = "zdenka.marevski@example.com"
WORDS = f"{NAME} <{ADDRESS}>, {PHONE}"
"""How people write whom they mean."""
OTHER_WORDS = "MAREVSKI, Zdenka (tel. +1 (555) 017 7421 or 0015550177421)"
"""How others write the same."""
TRACES = ("marevski", "zdenka", "0177421", "017-7421", "017 7421")
"""What no table may hold after an erasure, in small letters."""
FILE = b"A log of the router.\n" * 20


class Scene:
    """A desk with the traces of a person, the admin who looks for them, and the numbers of the tickets."""

    def __init__(self, desk: Desk, admin: Actor, headers: dict[str, str]) -> None:
        self.desk, self.admin, self.headers = desk, admin, headers
        self.company: Company = desk.rig.tenant.company
        self.colleague = desk.rig.tenant.headers
        self.person: dict[str, str] = {}
        self.user: User = desk.rig.tenant.user
        self.number = ""

    @property
    def serial(self) -> int:
        """The number of the person's ticket."""
        return parse_ticket_number(self.number) or 0

    async def add_person(self) -> None:
        """Add the account, with a key whose name names it."""
        async with self.desk.database.transaction() as tx:
            self.user = await accounts.add_user(
                tx, OPERATOR, self.company.id, name=NAME, email=ADDRESS, phone=PHONE, role=Role.CUSTOMER_ADMIN,
                now=clock.now(),
            )  # fmt: skip
            _key, secret = await keys.create_key(
                tx, OPERATOR, self.company.id, user_id=self.user.id, name=f"Laptop of {NAME}", now=clock.now()
            )
            for company in (Company(PROVIDER_ID, "Provider", "PROVIDER"), self.company):
                values = {"url": "http://127.0.0.1:9/hook", "types": (), "description": f"Ask {WORDS}"}
                await subscriptions.add_subscription(
                    tx, OPERATOR, values, of=company, networks=LOOPBACK, now=clock.now()
                )
        self.person = {"Authorization": f"Bearer {secret}"}

    async def raise_tickets(self) -> None:
        """Raise a ticket as the person, and one of a colleague with the person as contact, copy and case contact."""
        body = {
            "title": f"Port of {NAME} is down", "description": f"Please call {WORDS}\nor {OTHER_WORDS}",
            "issue_type": "Circuit Down", "service": {"id": "SVC-1", "type": "Port"},
            "contact": {"name": NAME, "phone": PHONE, "email": ADDRESS},
        }  # fmt: skip
        created = await self.desk.post("tickets", self.person | {"Idempotency-Key": "raise"}, body)
        self.number = created["number"]
        other = await self.desk.post("tickets", self.colleague, body | {
            "contact": {"name": "Ada", "phone": "", "email": self.desk.rig.sender},
            "contacts": [{"name": NAME, "phone": PHONE, "email": ADDRESS, "roles": ["site_access"]}],
        })  # fmt: skip
        await self.desk.post(f"tickets/{other['number']}/cases", self.headers, {
            "party": "Rowan Carrier", "number": "C-1", "contact": {"name": NAME, "phone": PHONE, "email": ADDRESS},
            "notes": f"Spoke with {WORDS}",
        })  # fmt: skip
        at = (clock.now() + timedelta(days=2)).isoformat()
        changed = await self.desk.client.patch(
            f"/api/v1/tickets/{self.number}", headers=self.headers | {"If-Match": "*"},
            json={
                "title": f"Port of {NAME} is down again", "tags": ["zdenka-marevski"], "external_ids": {"crm": ADDRESS},
                "site_access": {"contact": WORDS, "hours": "09:00", "hazards": OTHER_WORDS},
                "reminder": {"at": at, "reason": f"Call {WORDS}"},
            },
        )  # fmt: skip
        assert changed.status_code == 200, changed.text

    async def write_notes(self) -> None:
        """Write notes as the person and about it, and a file that is called after it."""
        path = f"tickets/{self.number}/notes"
        await self.desk.post(path, self.person | {"Idempotency-Key": "note"}, {"text": f"It is {WORDS}"})
        await self.desk.post(path, self.headers, {"text": f"Called **{OTHER_WORDS}**", "visibility": "internal"})
        answer = await self.desk.client.post(
            f"/api/v1/tickets/{self.number}/attachments?name=Log of {NAME}.txt", content=FILE,
            headers=self.person | {"Content-Type": "text/plain"},
        )  # fmt: skip
        assert answer.status_code == 201, answer.text

    async def write_beside(self) -> None:
        """Keep the words in drafts, messages, handovers, ratings, jobs, views, templates, macros and settings."""
        at, desk = clock.now(), self.desk
        await desk.post("views", self.person, {"name": f"Of {NAME}", "query": ADDRESS, "is_shared": False})
        await desk.post("ticket-templates", self.colleague | self.person, {
            "name": f"By {NAME}", "title": f"For {NAME}", "description": WORDS,
        })  # fmt: skip
        await desk.post("macros", self.headers, {"name": "Signature", "text": WORDS})
        await desk.post("bulk", self.headers, {
            "tickets": [self.number], "action": {"type": "note", "text": WORDS, "visibility": "internal"},
        }, 202)  # fmt: skip
        async with desk.database.transaction() as tx:
            await drafts.save_draft(
                tx, self.admin, self.serial, WORDS, visibility=Visibility.PUBLIC, writer="here", then=None,
                facts=StatusFacts(), now=at,
            )  # fmt: skip
            await handovers.sign_off(tx, self.admin, f"{self.number}: {WORDS}", now=at)
            await tx.write("update ticket set resolved_at = $2 where number = $1", self.serial, at)
            ballot = Ballot(self.company.id, self.serial, at, ADDRESS)
            await feedback.rate(tx, ballot, Rating.BAD, f"Signed {WORDS}", now=at)
            await tx.write(
                "update company set notice_addresses = $2::text::jsonb where id = $1", self.company.id,
                f'{{"billing": ["{ADDRESS}"]}}',
            )  # fmt: skip
            await tx.write(
                """insert into sign_in_session (company_id, id, user_id, created_at, last_used_at, expires_at,
                       authenticated_at, second_factor, device, address, token_hash, session_epoch)
                   values ($1, $2, $3, $4, $4, now() + interval '1 day', $4, false, 'Firefox', '192.0.2.7', $5, 0)""",
                self.company.id, uuid4(), self.user.id, at, bytes(32),
            )  # fmt: skip

    async def exchange_mails(self) -> None:
        """Receive mails of the person in every encoding, one into quarantine, and send some to it."""
        rig = self.desk.rig
        rig.at = clock.now() - timedelta(hours=8)
        async with self.desk.database.transaction() as tx:
            ticket = (await tickets.get_ticket(tx, OPERATOR, self.serial)).ticket
        sent = await rig.send_mail(ticket, to=ADDRESS, text=f"Dear {WORDS}", html=f"<p>Dear {NAME}</p>")
        text = f"It is {WORDS}.\r\n{OTHER_WORDS}\r\n"
        to, reference = rig.reply_to(ticket), f"In-Reply-To: {sent}\r\nReferences: {sent}\r\n"
        for kind, encoding, body in (
            ("plain", "8bit", text.encode()),
            ("plain", "base64", base64.encodebytes(text.encode())),
            ("html", "quoted-printable", quopri.encodestring(f"<p>Zdenka&nbsp;<b>Marevski</b>, {PHONE}</p>".encode())),
        ):
            raw = (
                f"From: {NAME} <{ADDRESS}>\r\nTo: {to}\r\nSubject: Re: {NAME}\r\n"
                f"Message-ID: <{kind}-{encoding}@mail.example.com>\r\n{reference}MIME-Version: 1.0\r\n"
                f"Content-Type: text/{kind}; charset=utf-8\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
            ).encode() + body
            await rig.receive(raw)
        await rig.receive(a_mail("stranger@example.org", SUPPORT, f"Where is {WORDS}?", "Quarantine"))

    async def stop_mail(self) -> None:
        """Stop mail to the person."""
        async with self.desk.database.transaction() as tx:
            await tx.write(
                """insert into mail_suppression (address, reason, detail, created_at)
                   values ($1, 'manual', $2, now())""", ADDRESS, f"Asked by {NAME}",
            )  # fmt: skip
            await tx.write(
                """insert into mail_opt_out (company_id, recipient, topic, created_at, id)
                   values ($1, $2, 'feedback', now(), $3)""", self.company.id, ADDRESS, uuid4(),
            )  # fmt: skip

    async def fail_job(self) -> None:
        """Have an item of a job say why it failed."""
        async with self.desk.database.transaction() as tx:
            await tx.write("update job_item set detail = $1", f"{ADDRESS} is no user")

    async def hold_message(self) -> None:
        """Hold a message that can still be taken back. A job would send it."""
        async with self.desk.database.transaction() as tx:
            await pending.hold_message(
                tx, self.admin, self.serial, f"Dear {WORDS}", visibility=Visibility.PUBLIC, then=Status.HELD,
                facts=StatusFacts(), seconds=60, now=clock.now(),
            )  # fmt: skip


async def new_scene(desk: Desk) -> Scene:
    """Return a desk on which a person left traces."""
    async with desk.database.transaction() as tx:
        admin = await new_person(tx, "Mara Lind", Role.ADMIN)
        _key, secret = await keys.create_key(
            tx, OPERATOR, PROVIDER_ID, user_id=id_of(admin), name="all", scopes=ALL_SCOPES, now=clock.now()
        )
    scene = Scene(desk, admin, {"Authorization": f"Bearer {secret}"})
    await scene.add_person()
    await scene.raise_tickets()
    await scene.write_notes()
    await scene.exchange_mails()
    await scene.write_beside()
    await desk.run_jobs()
    await scene.stop_mail()
    await scene.fail_job()
    await scene.hold_message()
    return scene
