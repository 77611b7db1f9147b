"""Mailboxes: the addresses that mail is accepted for, and the IMAP servers that are polled."""

import asyncio
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from clearline.errors import InvalidInput, RuleCode, Violation
from clearline.identity import Scope
from clearline.mail.inbound import mailbox_usecases as mailboxes
from clearline.mail.inbound.imap import ImapFailed
from clearline.mail.inbound.mailbox_domain import IMAP_PORTS, Mailbox
from clearline.mail.inbound.secret_box import UndecryptableSecret
from clearline.platform.database.transactions import Tx
from clearline.web.console.admin.section import ADMIN, AdminSection
from clearline.web.console.people import all_queues
from clearline.web.fields import id_in, lines_in, whole_number
from clearline.web.records.form import Choice, Field, Kind, Line, Outcome, Values
from clearline.web.visit import Form, Page, Visit
from clearline.web.words import full_time, gettext
from clearline.wires.http.call import Answer


class Mailboxes(AdminSection[Mailbox]):
    """The section of mailboxes."""

    noun = "mailbox"
    path = f"{ADMIN}/mailboxes"
    scope = Scope.DESK_WRITE
    template = "console/admin/mail/mailboxes.html"

    @property
    def words(self) -> Mapping[str, str]:
        """The words of the page."""
        return {
            "title": gettext("Mailboxes"),
            "new": gettext("New mailbox"),
            "about": gettext("Mail to the address of a mailbox becomes tickets, and notes of tickets."),
            "about delete": gettext("Mail for its address is refused from now on. Mail that was received stays."),
            "done create": gettext("Added."),
            "done change": gettext("Saved."),
            "done delete": gettext("Deleted."),
            "done check": gettext("It works: the server accepted the user and the password, and has the folder."),
        }

    def pages(self) -> list[Page]:
        """Return the pages of the section."""
        return [
            *super().pages(),
            Page("checkMailbox", "POST", f"{self.path}/{{id}}/check", self._check, self.scope),
        ]

    def field_of(self, name: str) -> str:
        """Return the field of the form for a value: those of the IMAP server are nested in the use case."""
        return super().field_of(name.replace("imap.", "imap_"))

    async def lines(self, visit: Visit, tx: Tx, after: list[Any] | None, limit: int) -> list[Line]:
        """Return the mailboxes by address."""
        listed = await mailboxes.list_mailboxes(tx, visit.actor, after=after[0] if after else None, limit=limit)
        return [
            Line(str(mailbox.id), mailbox.address, [mailbox.address], _note(mailbox), _state(mailbox))
            for mailbox in listed
        ]

    async def fields(self, visit: Visit, tx: Tx, record: Mailbox | None) -> list[Field]:  # noqa: ARG002
        """Return the fields of a mailbox. The password is never shown: an empty field keeps it."""
        queues = [Choice(str(queue.id), queue.name) for queue in await all_queues(tx, visit.actor)]
        return [
            Field("address", gettext("Address"), Kind.EMAIL, is_required=True),
            Field("name", gettext("Name"), hint=gettext("What the mailbox is for.")),
            Field("is_active", gettext("Accepts mail"), Kind.CHECK),
            Field(
                "queue_id", gettext("Queue of new tickets"), Kind.SELECT,
                [Choice("", gettext("As the routing rules say")), *queues],
            ),
            Field(
                "form_addresses", gettext("Addresses of web forms"), Kind.AREA,
                hint=gettext("Each on a line of its own. Mail from one of them is from the address in its Reply-To."),
            ),
            Field(
                "imap_host", gettext("IMAP server"),
                hint=gettext("Its mail is fetched every half minute. Without a server, mail has to be delivered here."),
            ),
            Field(
                "imap_port", gettext("Port"), Kind.NUMBER,
                hint=gettext("Without a number %(tls)s, or %(plain)s without TLS from the first byte.")
                % {"tls": IMAP_PORTS[True], "plain": IMAP_PORTS[False]},
            ),
            Field("imap_tls", gettext("TLS from the first byte"), Kind.CHECK),
            Field("imap_user", gettext("User")),
            Field(
                "imap_password", gettext("Password"), Kind.PASSWORD,
                hint=gettext("Stored encrypted, and shown nowhere. Empty, it stays as it is."),
            ),
            Field("imap_folder", gettext("Folder"), is_required=True),
        ]  # fmt: skip

    def values(self, record: Mailbox) -> Values:
        """Return what the fields of a mailbox have."""
        return {
            "address": [record.address],
            "name": [record.name],
            "is_active": ["on"] if record.is_active else [],
            "queue_id": [str(record.queue_id or "")],
            "form_addresses": ["\n".join(record.form_addresses)],
            "imap_host": [record.imap_host or ""],
            "imap_port": [str(record.imap_port or "")],
            "imap_tls": ["on"] if record.imap_tls else [],
            "imap_user": [record.imap_user or ""],
            "imap_folder": [record.imap_folder],
        }

    def defaults(self, visit: Visit) -> Values:  # noqa: ARG002
        """Return what a new mailbox has."""
        return {"is_active": ["on"], "imap_tls": ["on"], "imap_folder": ["INBOX"]}

    def title(self, record: Mailbox) -> str:
        """Return the address of a mailbox."""
        return record.address

    async def more(self, visit: Visit, tx: Tx, record: Mailbox) -> dict[str, object]:  # noqa: ARG002
        """Return the state of a mailbox in a word."""
        return {"state_word": _state(record)}

    async def get(self, visit: Visit, tx: Tx, record_id: UUID) -> Mailbox:
        """Return a mailbox."""
        return await mailboxes.get_mailbox(tx, visit.actor, record_id)

    async def lock(self, visit: Visit, tx: Tx, record_id: UUID) -> Mailbox:
        """Lock a mailbox."""
        return await mailboxes.lock_mailbox(tx, visit.actor, record_id)

    async def prepare(self, visit: Visit) -> None:
        """Refuse a server that may not be reached."""
        networks = visit.services.settings.imap_networks
        await mailboxes.check_host(visit.actor, visit.form.get("imap_host").strip() or None, networks)

    async def create(self, visit: Visit, tx: Tx) -> UUID:
        """Add a mailbox."""
        secret_box = await mailboxes.secret_box(tx, visit.services.settings.secret_key)
        values = _values(visit.form)
        mailbox = await mailboxes.add_mailbox(tx, visit.actor, values, secret_box=secret_box, now=visit.now)
        return mailbox.id

    async def change(self, visit: Visit, tx: Tx, record: Mailbox) -> None:
        """Change a mailbox."""
        secret_box = await mailboxes.secret_box(tx, visit.services.settings.secret_key)
        values = _values(visit.form)
        await mailboxes.change_mailbox(tx, visit.actor, record.id, values, secret_box=secret_box, now=visit.now)

    async def delete(self, visit: Visit, tx: Tx, record: Mailbox) -> None:
        """Delete a mailbox."""
        await mailboxes.delete_mailbox(tx, visit.actor, record.id, now=visit.now)

    async def _check(self, visit: Visit) -> Answer:
        """Log in to the IMAP server of a mailbox. Nothing is fetched."""
        mailbox_id, settings = self.record_id(visit), visit.services.settings

        async def work() -> Answer:
            async with visit.services.database.transaction() as tx:
                mailbox = await mailboxes.mailbox_to_check(tx, visit.actor, mailbox_id)
                secret_box = await mailboxes.secret_box(tx, settings.secret_key)
            try:
                await asyncio.to_thread(mailboxes.count_unseen, mailbox, secret_box, settings.imap_networks)
            except (ImapFailed, UndecryptableSecret) as error:
                return await self.page(visit, mailbox_id, Outcome(422, problem=str(error)))
            return self.led_to(visit, f"{self.path}/{mailbox_id}", "check")

        return await self.perform(visit, work, mailbox_id)


def _note(mailbox: Mailbox) -> str:
    parts = [mailbox.name] if mailbox.name else []
    if mailbox.imap_host is None:
        parts.append(gettext("delivered here"))
    elif mailbox.polled_at is None:
        parts.append(gettext("not polled yet"))
    else:
        parts.append(gettext("polled %(time)s") % {"time": full_time(mailbox.polled_at)})
    return " · ".join(parts)


def _state(mailbox: Mailbox) -> str:
    if not mailbox.is_active:
        return gettext("paused")
    return gettext("failing") if mailbox.last_error else ""


def _values(form: Form) -> dict[str, Any]:
    """Return the values of a mailbox from its form; without the password when the field is empty."""
    host = form.get("imap_host").strip() or None
    values: dict[str, Any] = {
        "address": form.get("address").strip(),
        "name": form.get("name").strip(),
        "is_active": form.has("is_active"),
        "queue_id": id_in(form, "queue_id"),
        "form_addresses": tuple(lines_in(form, "form_addresses")),
        "imap_host": host,
        "imap_port": _port(form.get("imap_port").strip()),
        "imap_tls": form.has("imap_tls"),
        "imap_user": None if host is None else form.get("imap_user").strip() or None,
        "imap_folder": form.get("imap_folder").strip(),
    }
    if host is not None and form.get("imap_password"):
        values[mailboxes.PASSWORD] = form.get("imap_password")
    return values


def _port(text: str) -> int | None:
    if not text:
        return None
    port = whole_number(text, digits=5)
    if port is None:
        raise InvalidInput([Violation("imap_port", "must be from 1 to 65535", RuleCode.RANGE)])
    return port


MAILBOXES = Mailboxes()
