"""Mail review: mail that came in, why it became no ticket, and its release or rejection."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from clearline.errors import DeskError, InvalidInput, NotFound, RuleCode, Violation
from clearline.identity import Scope
from clearline.mail.inbound import review_usecases as inbound_review
from clearline.mail.inbound import usecases as inbound_mail
from clearline.mail.inbound.domain import REVIEWABLE, InboundMail, InboundState
from clearline.mail.inbound.file import InboundMailContext
from clearline.mail.inbound.usecases import MailDetails
from clearline.platform.database.errors import StatementFailed
from clearline.platform.database.transactions import Tx
from clearline.tickets.attachments.blob_backend import BlobsUnavailable
from clearline.web.console.admin.section import ADMIN, AdminSection
from clearline.web.console.tickets.mails import TEXT_SHOWN_MAX, raw_mail, shown_headers
from clearline.web.fields import ticket_number_in
from clearline.web.records.form import Field, Line, Values
from clearline.web.visit import Page, Visit
from clearline.web.words import full_time, gettext
from clearline.wires.http.call import Answer, Stream

_ALL = "all"


class MailReview(AdminSection[MailDetails]):
    """The section of mail that came in."""

    noun = "inboundMail"
    path = f"{ADMIN}/mail-review"
    scope = Scope.DESK_WRITE
    template = "console/admin/mail/inbound.html"
    can_create = False
    can_change = False
    can_delete = False

    @property
    def words(self) -> Mapping[str, str]:
        """The words of the page."""
        return {
            "title": gettext("Mail review"),
            "about": gettext("Mail in quarantine waits for you to release it into a ticket, or to discard it."),
            "done release": gettext("Released. The mail is part of the ticket now."),
            "done discard": gettext("Discarded. The mail became nothing."),
        }

    def pages(self) -> list[Page]:
        """Return the pages of the section."""
        return [
            *super().pages(),
            Page("rawInboundMail", "GET", f"{self.path}/{{id}}/raw", self._download, self.scope),
            Page("releaseInboundMail", "POST", f"{self.path}/{{id}}/release", self._release, self.scope),
            self.action("discardInboundMail", "discard", _discard),
        ]

    def states(self) -> Sequence[tuple[str, str]]:
        """Return the states of mail that came in."""
        return [*_state_words().items(), (_ALL, gettext("All"))]

    async def lines(self, visit: Visit, tx: Tx, after: list[Any] | None, limit: int) -> list[Line]:
        """Return the mails of a state, newest first."""
        position = (datetime.fromisoformat(after[0]), UUID(after[1])) if after else None
        state, words = self.state(visit), _state_words()
        mails = await inbound_mail.list_mails(
            tx, visit.actor, state=None if state == _ALL else InboundState(state), before=position, limit=limit
        )
        return [
            Line(
                str(mail.id), mail.subject or gettext("(no subject)"), [mail.received_at.isoformat(), str(mail.id)],
                f"{mail.sender or mail.envelope_from or gettext('unknown sender')} · {full_time(mail.received_at)}",
                words[mail.state] if state == _ALL else "",
            )
            for mail in mails
        ]  # fmt: skip

    async def fields(self, visit: Visit, tx: Tx, record: MailDetails | None) -> list[Field]:  # noqa: ARG002
        """Return the fields of a release: it goes into a ticket, or becomes one of a company."""
        return [
            Field("ticket", gettext("Number of the ticket"), is_required=True),
            Field("company", gettext("Company"), is_required=True, hint=gettext("Name, customer code or id.")),
        ]

    def values(self, record: MailDetails) -> Values:  # noqa: ARG002
        """Return nothing: a mail cannot be changed."""
        return {}

    def title(self, record: MailDetails) -> str:
        """Return the subject of a mail."""
        return record.mail.subject or gettext("(no subject)")

    async def more(self, visit: Visit, tx: Tx, record: MailDetails) -> dict[str, object]:  # noqa: ARG002
        """Return the headers of a mail, and what can be done with it."""
        return {
            "shown": shown_headers(record.parsed),
            "most": TEXT_SHOWN_MAX,
            "state_word": _state_words()[record.mail.state],
            "can_review": record.mail.state in REVIEWABLE,
        }

    async def get(self, visit: Visit, tx: Tx, record_id: UUID) -> MailDetails:
        """Return a mail with its content."""
        return await inbound_mail.get_mail(tx, visit.actor, record_id)

    async def lock(self, visit: Visit, tx: Tx, record_id: UUID) -> MailDetails:
        """Return a mail; what is done to it locks it."""
        return await self.get(visit, tx, record_id)

    async def _download(self, visit: Visit) -> Stream:
        """Send a mail as it was received, byte for byte."""
        mail_id = self.record_id(visit)
        async with visit.services.database.transaction() as tx:
            return raw_mail(mail_id, await inbound_mail.get_raw(tx, visit.actor, mail_id))

    async def _release(self, visit: Visit) -> Answer:
        """File a mail as a note of a ticket, or as a new ticket of a company."""
        mail_id = self.record_id(visit)

        async def work() -> Answer:
            context: InboundMailContext | None = None
            services = visit.services
            try:
                async with services.database.transaction() as tx:
                    context = await inbound_review.processing_context(
                        tx, services.settings, services.blobs, services.attachments
                    )
                    await _released(visit, tx, mail_id, context)
            except (DeskError, BlobsUnavailable, StatementFailed):  # with any other, the commit may have happened
                if context is not None:
                    await context.discard()
                raise
            return self.led_to(visit, f"{self.path}/{mail_id}", "release")

        return await self.perform(visit, work, mail_id)


async def _released(visit: Visit, tx: Tx, mail_id: UUID, context: InboundMailContext) -> InboundMail:
    form = visit.form
    await inbound_mail.get_mail(tx, visit.actor, mail_id)  # what is not found below is the ticket or the company
    field = "company" if form.has("company") else "ticket"
    try:
        if field == "company":
            company = form.get("company").strip()
            return await inbound_review.release_as_ticket(
                tx, visit.actor, mail_id, company, context=context, now=visit.now
            )
        number = ticket_number_in(form.get("ticket"), "ticket")
        return await inbound_review.release_to_ticket(tx, visit.actor, mail_id, number, context=context, now=visit.now)
    except NotFound:
        raise InvalidInput([Violation(field, f"must name a {field}, and there is none", RuleCode.REFERENCE)]) from None


async def _discard(visit: Visit, tx: Tx, record: MailDetails) -> None:
    await inbound_review.discard(tx, visit.actor, record.mail.id, now=visit.now)


def _state_words() -> dict[str, str]:
    return {
        InboundState.QUARANTINED: gettext("Quarantine"),
        InboundState.IGNORED: gettext("Ignored"),
        InboundState.WAITING: gettext("Waiting"),
        InboundState.ACCEPTED: gettext("Accepted"),
        InboundState.BOUNCE: gettext("Bounces"),
        InboundState.DISCARDED: gettext("Discarded"),
    }


MAIL_REVIEW = MailReview()
