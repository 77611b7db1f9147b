"""A rig that receives mail: a mailbox, users of two customers and of the provider, and the mails of the corpus."""

import re
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

from msgspec import Struct

from clearline.accounts import usecases as accounts
from clearline.catalogue.published import IssueType, ServiceType
from clearline.identity import OPERATOR, Actor, Role
from clearline.mail.inbound import mailbox_usecases as mailboxes
from clearline.mail.inbound import store as inbound_mail_store
from clearline.mail.inbound import usecases as inbound_mail
from clearline.mail.inbound import worker as inbound_worker
from clearline.mail.inbound.domain import InboundMail, InboundState
from clearline.mail.inbound.file import InboundMailContext
from clearline.mail.inbound.mailbox_domain import Mailbox
from clearline.mail.inbound.secret_box import SecretBox
from clearline.mail.inbound.worker import LOCK_TIMEOUT_MILLISECONDS
from clearline.mail.outbound import usecases as outbound_mail
from clearline.mail.outbound.domain import MailSettings, NewMail, reply_address
from clearline.platform.database.transactions import Database
from clearline.settings.defaults import ATTACHMENT_TYPES, TICKET_NOTES_MAX
from clearline.tickets import usecases as tickets
from clearline.tickets.attachments import usecases as attachments
from clearline.tickets.attachments.blobs import Blobs
from clearline.tickets.attachments.blobs_disk import DiskBackend
from clearline.tickets.attachments.domain import Attachment, Limits
from clearline.tickets.contact import Contact
from clearline.tickets.domain import Channel, NewTicket, Ticket, ticket_number
from clearline.tickets.note_domain import Note
from tests.builders.people import NOW, Tenant, new_person, new_tenant

CORPUS = Path(__file__).parent / "corpus"
SUPPORT = "support@example.net"
SECRET = b"reply addresses"
SETTINGS = MailSettings(f"Support <{SUPPORT}>", SECRET, "https://desk.example.net", enabled=True)
HEADERS = "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"


class InboundMailRig(Struct):
    """A mailbox with users of two customers and of the provider, and a clock that each mail advances by an hour."""

    database: Database
    context: InboundMailContext
    mailbox: Mailbox
    tenant: Tenant
    other: Tenant
    staff: Actor
    inactive_sender: str
    at: datetime = NOW

    @property
    def sender(self) -> str:
        """Return the address of a user of the customer."""
        return self.tenant.user.email

    def clock(self) -> datetime:
        return self.at

    async def ticket(self, *, contact: str = "cleo@contact.example.org", tenant: Tenant | None = None) -> Ticket:
        """Create a ticket of a customer, with this contact."""
        new = NewTicket(
            "Port is slow", "Since 08:00 UTC", IssueType.SLOW_RESPONSE, ServiceType.PORT, "SVC-1",
            Contact("Cleo Marsh", "+1-555-0142", contact), Channel.API,
        )  # fmt: skip
        async with self.database.transaction() as tx:
            return (await tickets.create_ticket(tx, (tenant or self.tenant).actor, new, now=self.at)).ticket

    async def send_mail(
        self, ticket: Ticket, to: str | None = None, text: str = "Hello", html: str | None = None
    ) -> str:
        """Send a mail about a ticket, and return its Message-ID."""
        mail = NewMail(
            recipient=to or self.sender, subject=ticket.title, text=text, html=html, kind="notification",
            company_id=ticket.company_id, ticket_number=ticket.number,
        )  # fmt: skip
        async with self.database.transaction() as tx:
            mail_id = await outbound_mail.enqueue(tx, mail, now=self.at, settings=SETTINGS)
            assert mail_id is not None
            sent, _ = await outbound_mail.get_mail(tx, OPERATOR, mail_id)
        return sent.message_id

    def corpus_mail(self, name: str, ticket: Ticket, sent_id: str) -> bytes:
        """Return a mail of the corpus, about a ticket."""
        assert self.staff.user is not None
        values = {
            "REPLY": self.reply_to(ticket), "STAFF_REPLY": self.reply_to(ticket, self.staff.user.email),
            "SENDER": self.sender, "OTHER": self.other.user.email,
            "STAFF": self.staff.user.email, "GONE": self.inactive_sender, "NUMBER": ticket_number(ticket.number),
            "SENT_ID": sent_id.strip("<>"),
        }  # fmt: skip
        raw = (CORPUS / f"{name}.eml").read_bytes()
        for key, value in values.items():
            raw = raw.replace(f"@@{key}@@".encode(), value.encode())
        return raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")

    def reply_to(self, ticket: Ticket, recipient: str | None = None) -> str:
        """Return the reply address in a mail about a ticket to a recipient, by default a user of the customer."""
        return reply_address(SUPPORT, ticket.number, recipient or self.sender, SECRET)

    async def receive(self, raw: bytes, *, envelope_from: str | None = None, to: str | None = None) -> InboundMail:
        """Store and process a mail, and return its result."""
        self.at += timedelta(hours=1)
        sender = inbound_mail.envelope_sender(raw) if envelope_from is None else envelope_from
        recipient = to or next(iter(re.findall(rb"support\+[^\s@>]+@example\.net", raw)), SUPPORT.encode()).decode()
        async with self.database.transaction() as tx:
            mail_id = await inbound_mail.receive(
                tx, self.mailbox, raw, envelope_from=sender, envelope_to=[recipient], now=self.at
            )
        assert mail_id is not None
        await self.process()
        return await self.mail(mail_id)

    async def process(self, *, lock_timeout: int = LOCK_TIMEOUT_MILLISECONDS) -> int:
        return await inbound_worker.process_batch(self.database, self.context, self.clock, lock_timeout=lock_timeout)

    async def mail(self, mail_id: UUID) -> InboundMail:
        async with self.database.statement() as tx:
            mail = await inbound_mail_store.get(tx, mail_id)
        assert mail is not None
        return mail

    async def notes(self, number: int) -> list[Note]:
        async with self.database.transaction() as tx:
            return (await tickets.get_ticket_with_notes(tx, OPERATOR, number)).notes

    async def files(self, number: int) -> list[Attachment]:
        async with self.database.transaction() as tx:
            return await attachments.list_attachments(tx, OPERATOR, number)

    async def waiting_count(self) -> int:
        async with self.database.transaction() as tx:
            return len(await inbound_mail_store.page(tx, state=InboundState.WAITING, before=None, limit=1000))


def a_mail(sender: str, to: str, text: str = "Hello", subject: str = "Port", head: str = "") -> bytes:
    """Return a mail with a new Message-ID."""
    return (
        f"From: {sender}\r\nTo: {to}\r\nSubject: {subject}\r\nMessage-ID: <{uuid4().hex}@mail.example.com>\r\n"
        f"{head}{HEADERS}\r\n{text}\r\n"
    ).encode()


async def new_inbound_rig(database: Database, folder: Path) -> InboundMailRig:
    """Set up a mailbox ``support@example.net``, its customers and its staff."""
    tenant, other = await new_tenant(database), await new_tenant(database)
    async with database.transaction() as tx:
        mailbox = await mailboxes.add_mailbox(tx, OPERATOR, {"address": SUPPORT}, secret_box=SecretBox(b"k"), now=NOW)
        staff = await new_person(tx, "Ben Ito", Role.AGENT)
        inactive_sender = f"gone@{tenant.company.code.lower()}.example.com"
        code = tenant.company.code
        user = await accounts.add_user(tx, OPERATOR, code, name="Gone", email=inactive_sender, phone="", now=NOW)
        await tx.write("update app_user set is_active = false where id = $1", user.id)
    limits = Limits(1_000_000, ATTACHMENT_TYPES)
    context = InboundMailContext(SECRET, SUPPORT, Blobs(DiskBackend(folder)), limits, [], TICKET_NOTES_MAX)
    return InboundMailRig(database, context, mailbox, tenant, other, staff, inactive_sender)
