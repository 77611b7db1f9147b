"""Do the work of erasures: a page of a table in each transaction, so that a process that dies loses none."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from msgspec.structs import replace

from clearline.fields.domain import FieldType
from clearline.logs import Logger
from clearline.mail.inbound.secret_box import UndecryptableSecret
from clearline.mail.redaction.raw_mail import redact_mail
from clearline.platform.database.errors import DatabaseUnavailable
from clearline.platform.database.transactions import Database, Tx
from clearline.platform.work.runner import PeriodicJob
from clearline.privacy import erasure_store, rewrite_store
from clearline.privacy import store as page_store
from clearline.privacy.data_map import TABLES, Column, Form, Table
from clearline.privacy.erasure_domain import (
    SETTLE,
    Erasure,
    File,
    Secret,
    Work,
    certificate_of,
    decode_secret,
    next_step,
)
from clearline.privacy.person_redactor import PersonRedactor, Words, prefilter
from clearline.privacy.rewrite_store import Finder, Found
from clearline.redaction import usecases as redactions
from clearline.redaction.domain import kept_values
from clearline.search import index_store as search_store
from clearline.search import index_usecases as search
from clearline.tickets.attachments.blob_backend import BlobMissing, BlobsUnavailable, Key
from clearline.tickets.attachments.blobs import Blobs
from clearline.tickets.domain import ticket_number
from clearline.tickets.redaction import store as ticket_redaction

POLL_SECONDS = 1
AT_ONCE = 200
"""The most pages of one run."""
SEARCHED_MAX = 25 * 1024 * 1024
"""The most bytes of a file whose content is searched for the words."""
FILES_MAX = 1000
"""The most files that an erasure lists."""
_RETRY = timedelta(minutes=5)
_TABLES = {table.name: table for table in TABLES}

_log = Logger("clearline.privacy")
Clock = Callable[[], datetime]


def erasure_job(
    database: Database, blobs: Blobs, now: Clock, *, secret_key: str | None, settle: timedelta = SETTLE
) -> PeriodicJob:
    """Return the job that does the work of erasures in every process; ``settle`` is the time between the rounds."""

    async def run() -> int:
        for count in range(AT_ONCE):
            if not await work_on(database, blobs, now, secret_key=secret_key, settle=settle):
                return count
        return AT_ONCE

    return PeriodicJob("erase", POLL_SECONDS, run, AT_ONCE)


async def work_on(
    database: Database,
    blobs: Blobs,
    now: Clock,
    *,
    secret_key: str | None,
    only: UUID | None = None,
    settle: timedelta = SETTLE,
) -> bool:
    """Do the next page of work that is due, of all erasures or of ``only`` one; return False when there is none.

    Work that fails is tried again later.
    """
    work: Work | None = None
    try:
        async with database.transaction() as tx:
            work = await erasure_store.lock_due(tx, only=only, now=now())
            if work is None:
                return False
            await _work(tx, blobs, work, secret_key=secret_key, settle=settle, now=now())
    except DatabaseUnavailable:
        raise
    except Exception as error:
        if work is None:
            raise
        # The error may hold the words, such as a value that the database refused: only its kind is logged.
        kind = str(error) if isinstance(error, UndecryptableSecret) else type(error).__name__
        _log.error("erasure postponed", id=str(work.erasure.id), step=work.erasure.step, error=kind)
        async with database.statement() as tx:
            await erasure_store.postpone(tx, work.erasure.id, until=now() + _RETRY)
    return True


class _Redactors(NamedTuple):
    """What replaces the words: all of them, and only those that are looked for in records of every company."""

    all: PersonRedactor
    everywhere: PersonRedactor
    companies: Sequence[UUID] | None
    types: Mapping[str, FieldType]

    def of(self, row: Found) -> PersonRedactor:
        """Return what rewrites a row, by the company that it belongs to."""
        is_theirs = self.companies is None or row.company_id is None or row.company_id in self.companies
        return self.all if is_theirs else self.everywhere


async def _work(tx: Tx, blobs: Blobs, work: Work, *, secret_key: str | None, settle: timedelta, now: datetime) -> None:
    erasure, table = work.erasure, _TABLES[work.erasure.step]
    box = await redactions.secret_box(tx, secret_key)
    secret = decode_secret(box.decrypt(work.sealed))
    finder = Finder(prefilter(secret.words), erasure.accounts, [secret.words.address], secret.companies)
    after: list[str] | None = None
    if table.are_deleted:
        act = rewrite_store.count_of_person if erasure.is_dry_run else rewrite_store.delete_of_person
        count, files = await act(tx, table, finder), list[File]()
    else:
        redactors = await _redactors(tx, erasure, secret)
        page = await page_store.next_page(tx, table, work.after)
        rows = await rewrite_store.rows(tx, table, page, finder)
        files = await _files(tx, blobs, rows, redactors.all, erasure) if table.name == "attachment" else []
        count = await _rewrite(tx, table, rows, redactors, erasure)
        after = page.upto
    await _advance(tx, _counted(erasure, table, count, files), after, settle=settle, now=now)


async def _redactors(tx: Tx, erasure: Erasure, secret: Secret) -> _Redactors:
    types = await ticket_redaction.types_of_fields(tx)
    kept, kept_fields = kept_values(), await ticket_redaction.fields_of_keys(tx)
    everywhere = Words(secret.words.address, (), secret.words.phones, secret.words.others)
    first, second = (
        PersonRedactor(words, erasure.pseudonym, kept, kept_fields) for words in (secret.words, everywhere)
    )
    return _Redactors(first, second, secret.companies, types)


async def _rewrite(tx: Tx, table: Table, rows: Sequence[Found], redactors: _Redactors, erasure: Erasure) -> int:
    """Rewrite the rows that hold the words, unless it is a dry run; return how many they are."""
    changed: list[tuple[Found, Sequence[Any]]] = []
    for row in rows:
        redactor = redactors.of(row)
        values = [
            await _value(column, value, author, redactor, redactors.types, erasure)
            for column, value, author in zip(table.columns, row.values, row.authors, strict=True)
        ]
        if values != list(row.values):
            changed.append((row, values))
    if changed and not erasure.is_dry_run:
        await rewrite_store.save(tx, table, changed)
        keys = {(row.company_id, row.ticket_number) for row, _values in changed}
        tickets = [(company, number) for company, number in keys if company is not None and number is not None]
        if tickets:
            await search_store.wait_for_consumer(tx)
            await search.index_tickets(tx, sorted(tickets))
    return len(changed)


async def _value(
    column: Column,
    value: Any,
    author: UUID | None,
    redactor: PersonRedactor,
    types: Mapping[str, FieldType],
    erasure: Erasure,
) -> Any:
    """Return the value of a column without the words."""
    if value is None:
        return None
    if column.author is not None and author is not None:
        return erasure.pseudonym.name if author in erasure.accounts else value
    if column.form is Form.MAIL:
        redacted = await asyncio.to_thread(redact_mail, value, redactor)
        return value if redacted is None else redacted
    if column.form is Form.OWN_FIELDS:
        return ticket_redaction.redact_fields(value, types, redactor)
    return _simple(column, value, redactor)


def _simple(column: Column, value: Any, redactor: PersonRedactor) -> Any:
    match column.form:
        case Form.TEXTS:
            return [redactor.text(text) for text in value]
        case Form.TAGS:
            return ticket_redaction.redact_tags(value, redactor)
        case Form.JSON:
            return redactor.json_text(value, within=column.within)
        case Form.BODY:
            return redactor.json_bytes(value)
        case _:
            return redactor.text(value, column.most)


async def _files(tx: Tx, blobs: Blobs, rows: Sequence[Found], redactor: PersonRedactor, erasure: Erasure) -> list[File]:
    """Return the files that the person attached, or that are called after it; each is found in the first round."""
    if erasure.round > 1:
        return []
    own = [row for row in rows if row.authors[1] in erasure.accounts or redactor.holds(" ".join(row.values))]
    files, size_of = [], await rewrite_store.sizes(tx, own)
    for row in own:
        size = size_of.get(row.key[-1], 0)
        holds = await _holds(blobs, row, size, redactor)
        is_own = row.authors[1] in erasure.accounts
        files.append(File(ticket_number(row.ticket_number or 0), UUID(row.key[-1]), size, is_own, holds))
    return files


async def _holds(blobs: Blobs, row: Found, size: int, redactor: PersonRedactor) -> bool | None:
    """Return whether the content of a file holds the words; None when it is too large, or cannot be read."""
    if size > SEARCHED_MAX or row.company_id is None:
        return None
    try:
        parts = [part async for part in blobs.read(Key(row.company_id, UUID(row.key[-1])), length=size)]
    except (BlobMissing, BlobsUnavailable):
        return None
    return await asyncio.to_thread(redactor.is_in_bytes, b"".join(parts))


def _counted(erasure: Erasure, table: Table, count: int, files: list[File]) -> Erasure:
    total = erasure.rows.get(table.name, 0) + count
    rows = erasure.rows | ({table.name: total} if total else {})
    return replace(erasure, rows=rows, files=(*erasure.files, *files)[:FILES_MAX])


async def _advance(tx: Tx, erasure: Erasure, after: list[str] | None, *, settle: timedelta, now: datetime) -> None:
    if after is not None:
        await erasure_store.advance(tx, erasure, after, due_at=now)
    elif (following := next_step(erasure)) is None:
        certificate = None if erasure.is_dry_run else certificate_of(erasure, now)
        await erasure_store.finish(tx, erasure, certificate, now=now)
    else:
        turn, step = following
        due_at = now if turn == erasure.round else now + settle
        await erasure_store.advance(tx, replace(erasure, round=turn, step=step), None, due_at=due_at)
