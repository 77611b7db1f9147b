"""Mail that goes out: what failed and why, its retry, addresses that get no mail, and a test."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from clearline.errors import NotFound
from clearline.identity import Actor, Scope
from clearline.mail.outbound import usecases as outbound_mail
from clearline.mail.outbound.compose import decode
from clearline.mail.outbound.domain import MailState, OutboundMail, Suppression
from clearline.platform.database.transactions import Tx
from clearline.web.console.admin.section import ADMIN, AdminSection
from clearline.web.console.tickets.mails import TEXT_SHOWN_MAX
from clearline.web.records.form import Field, Kind, Line, Values
from clearline.web.visit import Page, Visit
from clearline.web.words import full_time, gettext

_ALL = "all"


class SentMail(Struct, frozen=True):
    """A mail with its message as it is sent."""

    mail: OutboundMail
    message: bytes


class OutboundMails(AdminSection[SentMail]):
    """The section of mail that goes out; a new one is a test message."""

    noun = "outboundMail"
    path = f"{ADMIN}/outbound-mail"
    scope = Scope.DESK_WRITE
    template = "console/admin/mail/outbound.html"
    can_change = False
    can_delete = False

    @property
    def words(self) -> Mapping[str, str]:
        """The words of the page."""
        return {
            "title": gettext("Outbound mail"),
            "new": gettext("Test message"),
            "about": gettext("What was not delivered, and why. Retry it once the cause is mended."),
            "save new": gettext("Send"),
            "done create": gettext("Queued. Open it again to see whether it was sent."),
            "done retry": gettext("Queued again."),
            "done unsuppress": gettext("The address gets mail again. What failed meanwhile is not sent: retry it."),
        }

    def pages(self) -> list[Page]:
        """Return the pages of the section."""
        return [
            *super().pages(),
            self.action("retryOutboundMail", "retry", _retry),
            self.action("unsuppressRecipient", "unsuppress", _unsuppress),
        ]

    def states(self) -> Sequence[tuple[str, str]]:
        """Return the states of mail that goes out."""
        return [*_state_words().items(), (_ALL, gettext("All"))]

    async def lines(self, visit: Visit, tx: Tx, after: list[Any] | None, limit: int) -> list[Line]:
        """Return the mails of a state, newest first."""
        position = (datetime.fromisoformat(after[0]), UUID(after[1])) if after else None
        state, words = self.state(visit), _state_words()
        mails = await outbound_mail.list_mails(
            tx, visit.actor, state=None if state == _ALL else MailState(state), before=position, limit=limit
        )
        return [
            Line(
                str(mail.id), mail.subject, [mail.created_at.isoformat(), str(mail.id)],
                f"{mail.recipient} · {full_time(mail.created_at)}", words[mail.state] if state == _ALL else "",
            )
            for mail in mails
        ]  # fmt: skip

    async def fields(self, visit: Visit, tx: Tx, record: SentMail | None) -> list[Field]:  # noqa: ARG002
        """Return the fields of a test message."""
        hint = gettext("A short message that says who asked for it.")
        if visit.services.settings.smtp is None:
            hint += " " + gettext("This desk has no mail server yet: an operator sets CLEARLINE_SMTP.")
        return [Field("recipient", gettext("Recipient"), Kind.EMAIL, is_required=True, hint=hint)] if not record else []

    def values(self, record: SentMail) -> Values:  # noqa: ARG002
        """Return nothing: a mail cannot be changed."""
        return {}

    def defaults(self, visit: Visit) -> Values:
        """Return the admin as the recipient of a test message."""
        return {} if visit.actor.user is None else {"recipient": [visit.actor.user.email]}

    def title(self, record: SentMail) -> str:
        """Return the subject of a mail."""
        return record.mail.subject

    async def more(self, visit: Visit, tx: Tx, record: SentMail) -> dict[str, object]:
        """Return the content of a mail, and what can be done with it."""
        content = decode(record.message)
        return {
            "all_headers": content.headers,
            "text": content.text,
            "most": TEXT_SHOWN_MAX,
            "state_word": _state_words()[record.mail.state],
            "suppression": await _suppression(tx, visit.actor, record.mail.recipient),
        }

    async def get(self, visit: Visit, tx: Tx, record_id: UUID) -> SentMail:
        """Return a mail with its message."""
        return SentMail(*await outbound_mail.get_mail(tx, visit.actor, record_id))

    async def lock(self, visit: Visit, tx: Tx, record_id: UUID) -> SentMail:
        """Return a mail; what is done to it locks it."""
        return await self.get(visit, tx, record_id)

    async def create(self, visit: Visit, tx: Tx) -> UUID:
        """Send a test message."""
        settings = await outbound_mail.mail_settings(tx, visit.services.settings)
        recipient = visit.form.get("recipient").strip()
        return (await outbound_mail.send_test(tx, visit.actor, recipient, now=visit.now, settings=settings)).id


async def _suppression(tx: Tx, actor: Actor, address: str) -> Suppression | None:
    try:
        return await outbound_mail.get_suppression(tx, actor, address)
    except NotFound:
        return None


async def _retry(visit: Visit, tx: Tx, record: SentMail) -> None:
    await outbound_mail.retry_mail(tx, visit.actor, record.mail.id, now=visit.now)


async def _unsuppress(visit: Visit, tx: Tx, record: SentMail) -> None:
    await outbound_mail.unsuppress(tx, visit.actor, record.mail.recipient, now=visit.now)


def _state_words() -> dict[str, str]:
    return {
        MailState.DEAD: gettext("Failed"),
        MailState.BOUNCED: gettext("Bounced"),
        MailState.WAITING: gettext("Waiting"),
        MailState.SENT: gettext("Sent"),
    }


OUTBOUND_MAILS = OutboundMails()
