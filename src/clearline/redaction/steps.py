"""What each step of a redaction looks at, page by page."""

from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple
from uuid import UUID

from clearline.bulk import redaction_store as job_store
from clearline.handovers import redaction_store as handover_store
from clearline.identity import PROVIDER_ID
from clearline.mail.redaction import usecases as mails
from clearline.mail.redaction.usecases import MailScope
from clearline.platform.database.transactions import Tx
from clearline.platform.idempotency import redaction_store as answer_store
from clearline.redaction.domain import Secret, Step
from clearline.redactor import RedactedPage, Redactor
from clearline.tickets.redaction import store as ticket_redaction
from clearline.webhooks import redaction_store as delivery_store

_AT_ONCE = 200
"""The most rows of a page."""


class Look(NamedTuple):
    """A look at the rows after a key: at which, for what, and whether they are rewritten."""

    scope: MailScope
    redactor: Redactor
    after: list[str] | None
    saves: bool


Page = Callable[[Tx, Look], Awaitable[RedactedPage]]
"""Looks at a page of rows."""


async def scope_of(tx: Tx, company_id: UUID, numbers: Sequence[int], secret: Secret) -> MailScope:
    """Return what the steps look at."""
    since = await ticket_redaction.known_since(tx, company_id, numbers)
    return MailScope(company_id, numbers, since, secret.files)


async def _inbound(tx: Tx, look: Look) -> RedactedPage:
    return await mails.redact_inbound(tx, look.scope, look.redactor, after=look.after, saves=look.saves)


async def _unassigned(tx: Tx, look: Look) -> RedactedPage:
    return await mails.redact_unassigned(tx, look.scope, look.redactor, after=look.after, saves=look.saves)


async def _outbound(tx: Tx, look: Look) -> RedactedPage:
    return await mails.redact_outbound(tx, look.scope, look.redactor, after=look.after, saves=look.saves)


async def _digests(tx: Tx, look: Look) -> RedactedPage:
    return await mails.redact_digests(tx, look.scope, look.redactor, after=look.after, saves=look.saves)


async def _deliveries(tx: Tx, look: Look) -> RedactedPage:
    return await delivery_store.redact(
        tx, look.scope.numbers, look.redactor, after=look.after, limit=_AT_ONCE, saves=look.saves
    )


async def _answers(tx: Tx, look: Look) -> RedactedPage:
    scope = look.scope
    companies = [scope.company_id, PROVIDER_ID]
    return await answer_store.redact(
        tx, companies, scope.names, look.redactor, after=look.after, limit=_AT_ONCE, saves=look.saves
    )


async def _handovers(tx: Tx, look: Look) -> RedactedPage:
    scope = look.scope
    return await handover_store.redact(
        tx, scope.numbers, look.redactor, since=scope.since, after=look.after, limit=_AT_ONCE, saves=look.saves
    )


async def _jobs(tx: Tx, look: Look) -> RedactedPage:
    scope = look.scope
    return await job_store.redact(
        tx, scope.company_id, scope.numbers, look.redactor, after=look.after, saves=look.saves
    )


PAGES: dict[Step, Page] = {
    Step.INBOUND_MAIL: _inbound,
    Step.OTHER_INBOUND_MAIL: _unassigned,
    Step.OUTBOUND_MAIL: _outbound,
    Step.DIGESTS: _digests,
    Step.DELIVERIES: _deliveries,
    Step.KEPT_ANSWERS: _answers,
    Step.HANDOVERS: _handovers,
    Step.JOBS: _jobs,
}
"""The steps that go page by page."""

MAIL_STEPS = {Step.INBOUND_MAIL, Step.OTHER_INBOUND_MAIL, Step.OUTBOUND_MAIL, Step.DIGESTS}
"""The steps that are about mail."""
