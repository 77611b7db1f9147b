"""Imports from a file: companies, people, services, tickets or their files; a dry run first, what is wrong by line."""

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import IO, Any
from uuid import UUID
from zipfile import BadZipFile

from clearline.bulk import import_file
from clearline.bulk import import_usecases as imports
from clearline.bulk import usecases as jobs
from clearline.bulk.domain import (
    ARCHIVE_BYTES,
    IMPORT_BYTES,
    IMPORT_MAX,
    ImportRequest,
    ImportSubject,
    ItemOutcome,
    Job,
    JobState,
)
from clearline.bulk.records import file_usecases as file_imports
from clearline.bulk.records.file_sources import Archive
from clearline.errors import InvalidInput, RuleCode, Violation
from clearline.identity import Scope
from clearline.platform.database.transactions import Tx
from clearline.web import once
from clearline.web.console.admin.section import ADMIN, AdminSection
from clearline.web.fields import member_in, whole_number
from clearline.web.multipart import receive_own_files
from clearline.web.records.form import Choice, Field, Kind, Line, Values
from clearline.web.visit import Form, Page, Visit, redirect
from clearline.web.words import full_time, gettext, ngettext
from clearline.wires.http.call import Answer

SUBJECT, FILE, ARCHIVE, DRY_RUN, AFTER = "subject", "file", "archive", "dry_run", "from"
_REFUSED_SHOWN = 100
_UNFINISHED = (JobState.WAITING, JobState.RUNNING)


class Imports(AdminSection[Job]):
    """The section of imports. A record is the job of one."""

    noun = "import"
    path = f"{ADMIN}/imports"
    scope = Scope.DESK_WRITE
    template = "console/admin/imports.html"
    can_change = False
    can_delete = False

    @property
    def words(self) -> Mapping[str, str]:
        """The words of the page."""
        return {
            "title": gettext("Imports"),
            "new": gettext("New import"),
            "about": gettext(
                "Companies, people, services, tickets and their files come in from a file, in this order."
            ),
            "done cancel": gettext("Cancelled. What was imported before stays."),
        }

    def pages(self) -> list[Page]:
        """Return the pages of the section: its form is one with a file, and the page of an import follows it."""
        listed, new, _create, show = super().pages()
        return [
            listed,
            new,
            Page("createImport", "POST", self.path, self.handle_create, self.scope, has_files=True),
            show,
            Page("importProgress", "GET", f"{self.path}/{{id}}/progress", self.show, self.scope, in_background=True),
            self.action("cancelImport", "cancel", self._cancel),
        ]

    def columns(self) -> list[tuple[str, Sequence[str]]]:
        """Return the columns that a table of each subject may have."""
        return [(word, import_file.columns_of(imports.lines_of(subject))) for subject, word in _subjects().items()]

    async def handle_create(self, visit: Visit) -> Answer:
        """Read the files that were sent, and create the job of their import, once."""

        async def work() -> Answer:
            imports.require_import(visit.actor, ImportSubject.COMPANIES)
            async with receive_own_files(visit, {FILE: IMPORT_BYTES, ARCHIVE: ARCHIVE_BYTES}) as files:
                digests = [await asyncio.to_thread(_digest, file) for file in files.values()]
                visit.form = Form(visit.form.pairs, tuple(digests))
                address = await self._import(visit, files)
            return redirect(visit.browser, address, visit.headers)

        return await self.perform(visit, work, None, is_new=True)

    async def _import(self, visit: Visit, files: Mapping[str, IO[bytes]]) -> str:
        """Create the job of an import, and return the address of its page."""
        subject, dry_run = member_in(ImportSubject, visit.form, SUBJECT), visit.form.has(DRY_RUN)
        body = files[FILE].read() if FILE in files else b""
        if not body:
            raise InvalidInput([Violation(FILE, gettext("choose a file"), RuleCode.REQUIRED)])
        archive = await _archive(files.get(ARCHIVE)) if subject is ImportSubject.FILES else None
        kind = import_file.format_of(body)
        about = imports.lines_of(subject)
        items = await asyncio.to_thread(import_file.read_file, body, kind, now=visit.now, subject=about)
        services = visit.services

        async def create(tx: Tx) -> str:
            job = await jobs.create_import_job(
                tx, visit.actor, items, kind, subject=subject, dry_run=dry_run,
                most=services.settings.company_jobs_max, now=visit.now,
            )  # fmt: skip
            return self.address(job.id)

        if archive is not None:
            staging = file_imports.Staging(archive, services.blobs, services.attachments, dry_run)
            items = await file_imports.stage_files(visit.database, visit.actor, items, kind, staging)
        return await once.lead_once(visit, self.path, create)

    async def _cancel(self, visit: Visit, tx: Tx, job: Job) -> None:
        await jobs.cancel_job(tx, visit.actor, job.id, now=visit.now)

    async def lines(self, visit: Visit, tx: Tx, after: list[Any] | None, limit: int) -> list[Line]:
        """Return the imports, newest first."""
        key = None if after is None else (datetime.fromisoformat(after[0]), UUID(after[1]))
        listed = await jobs.list_imports(tx, visit.actor, after=key, limit=limit)
        return [
            Line(
                str(job.id), _name(job), [job.created_at.isoformat(), str(job.id)], _note(job),
                gettext("cancelled") if job.state is JobState.CANCELLED else "",
            )
            for job in listed
        ]  # fmt: skip

    async def fields(self, visit: Visit, tx: Tx, record: Job | None) -> list[Field]:  # noqa: ARG002
        """Return the fields of the form of a file."""
        size = gettext("CSV with a heading, or NDJSON, in UTF-8: at most %(lines)s lines and %(size)s MB.")
        packed = gettext("Only for files of tickets: a ZIP archive with them, of at most %(size)s MB.")
        checked = gettext("Every line is checked, and nothing is stored.")
        return [
            Field(
                SUBJECT, gettext("What the lines are"), Kind.SELECT,
                [Choice(subject, word) for subject, word in _subjects().items()],
            ),
            Field(FILE, gettext("File"), hint=size % {"lines": IMPORT_MAX, "size": IMPORT_BYTES >> 20}),
            Field(ARCHIVE, gettext("Archive"), hint=packed % {"size": ARCHIVE_BYTES >> 20}),
            Field(DRY_RUN, gettext("Dry run"), Kind.CHECK, hint=checked),
        ]  # fmt: skip

    def defaults(self, visit: Visit) -> Values:
        """Return what the form of a new import has: it is a dry run."""
        return {SUBJECT: [visit.query.get(SUBJECT, "")], DRY_RUN: ["on"]}

    def values(self, record: Job) -> Values:  # noqa: ARG002 - an import is not changed
        """Return nothing: what an import did is shown apart."""
        return {}

    def title(self, record: Job) -> str:
        """Return what an import is about."""
        return _name(record)

    async def get(self, visit: Visit, tx: Tx, record_id: UUID) -> Job:
        """Return an import with its counts."""
        return await jobs.get_import(tx, visit.actor, record_id)

    async def lock(self, visit: Visit, tx: Tx, record_id: UUID) -> Job:
        """Return an import that is about to be cancelled, which locks it."""
        return await self.get(visit, tx, record_id)

    async def more(self, visit: Visit, tx: Tx, record: Job) -> dict[str, object]:
        """Return how far an import is, and its refused lines after the one that the query names."""
        number = whole_number(visit.query.get(AFTER, ""), digits=6)
        refused = await jobs.list_items(
            tx, visit.actor, record.id, outcome=ItemOutcome.REFUSED, after=None if number is None else number - 1,
            limit=_REFUSED_SHOWN + 1,
        )  # fmt: skip
        request = record.request
        return {
            "refused": refused[:_REFUSED_SHOWN],
            "refused_next": refused[_REFUSED_SHOWN - 1].position + 1 if len(refused) > _REFUSED_SHOWN else None,
            "is_unfinished": record.state in _UNFINISHED,
            "is_cancelled": record.state is JobState.CANCELLED,
            "is_table": isinstance(request, ImportRequest) and request.format == "csv",
            "subject": _subject(record),
            "once_key": once.new_key(),
        }


def _digest(file: IO[bytes]) -> str:
    digest = hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]  # a file that is read
    file.seek(0)
    return digest


async def _archive(file: IO[bytes] | None) -> Archive:
    if file is None:
        rule = gettext("choose the ZIP archive with the files that the lines name")
        raise InvalidInput([Violation(ARCHIVE, rule, RuleCode.REQUIRED)])
    try:
        return await asyncio.to_thread(Archive, file)
    except BadZipFile:
        rule = gettext("must be a ZIP archive")
        raise InvalidInput([Violation(ARCHIVE, rule, RuleCode.FORMAT)]) from None


def _subject(job: Job) -> ImportSubject:
    return job.request.subject if isinstance(job.request, ImportRequest) else ImportSubject.TICKETS


def _subjects() -> dict[ImportSubject, str]:
    """Return what can be imported, each after what it names."""
    return {
        ImportSubject.COMPANIES: gettext("Companies"),
        ImportSubject.PEOPLE: gettext("People"),
        ImportSubject.SERVICES: gettext("Services"),
        ImportSubject.TICKETS: gettext("Tickets"),
        ImportSubject.FILES: gettext("Files of tickets"),
    }


def _name(job: Job) -> str:
    subject = _subjects()[_subject(job)]
    return gettext("%(subject)s, dry run") % {"subject": subject} if job.dry_run else subject


def _note(job: Job) -> str:
    lines = ngettext("%(num)s line", "%(num)s lines", job.total) % {"num": job.total}
    return " · ".join([full_time(job.created_at), lines, job.actor_name])


IMPORTS = Imports()
