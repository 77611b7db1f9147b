"""Forms with files (RFC 7578): the fields are read, and each file is stored while it is received, in bounded memory."""

from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import ExitStack, asynccontextmanager
from datetime import timedelta
from tempfile import SpooledTemporaryFile
from typing import IO, TYPE_CHECKING, cast
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.types import Receive

from clearline.errors import InvalidInput, NotFound, RuleCode, Violation, require_valid
from clearline.platform.database.transactions import Tx
from clearline.tickets.attachments import usecases as attachments
from clearline.tickets.attachments.blob_backend import Key
from clearline.tickets.attachments.domain import (
    ANY_TYPE,
    MESSAGE_FILES_MAX,
    Content,
    NewAttachment,
    new_attachment,
    specific_type,
)
from clearline.tickets.note_domain import Visibility
from clearline.web.visit import FIELDS_MAX, FORM_MAX, Browser, Form, FormRefused, Visit
from clearline.wires.http.edge import header

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

FIELD = "files"
FILES_MAX = MESSAGE_FILES_MAX
"""The most files of a form."""
_DROPPED_MAX = FORM_MAX + (32 << 20)
"""Bytes of a form with files that are read although it is refused: a browser shows no answer while it still sends."""
_IN_MEMORY_MAX = 1 << 20
"""Bytes of a file that are kept in memory; a larger one is in a temporary file."""
CompanyOf = Callable[[Form], Awaitable[UUID | None]]


class SentFile(Struct, frozen=True):
    """A file of a form: what it is, and its content, which is stored."""

    new: NewAttachment
    content: Content


class SentFiles:
    """The files of a form. Those that are not kept are deleted when the request ends.

    Iterate over them, and call ``keep`` right before the transaction that refers to them commits.
    """

    def __init__(self) -> None:
        self.files: list[SentFile] = []
        self.violations: list[Violation] = []
        self.company_id: UUID | None = None
        self.are_kept = False

    def check(self) -> None:
        """Refuse the form when one of its files cannot be accepted.

        Raises:
            InvalidInput: with the field ``files``, and the name of each such file in the rule.
        """
        require_valid(self.violations)

    def pairs(self) -> list[tuple[NewAttachment, Content]]:
        """Return what each file is, with its content."""
        return [(file.new, file.content) for file in self.files]

    def keep(self) -> None:
        """Say that the contents stay. A commit that fails may still have succeeded, so call this before it."""
        self.are_kept = True

    async def attach(self, visit: Visit, tx: Tx, number: int, visibility: Visibility, *, reopens: bool = True) -> None:
        """Attach the files to a ticket in their order, and keep them. ``reopens`` is as for ``add_attachment``.

        Raises:
            As ``attachments.usecases.add_attachment``.
        """
        size = visit.services.attachments.company_size
        for at, file in enumerate(self.files):  # lists order them by their times
            new, now = replace(file.new, visibility=visibility), visit.now + timedelta(microseconds=at)
            await attachments.add_attachment(
                tx, visit.actor, number, new, file.content, company_size=size, reopens=reopens, now=now
            )
        self.keep()


@asynccontextmanager
async def receive_form(visit: Visit, company_of: CompanyOf) -> AsyncIterator[SentFiles]:
    """Receive the form of a page that ``has_files``, and yield its files; ``visit.form`` has its fields from then on.

    ``company_of`` returns the company under which the content is stored, from the fields that stand before the first
    file in the form: the fields must come first, and the token of the session among them. It is called once. When it
    returns None or raises ``InvalidInput`` or ``NotFound``, files are read and dropped: the handler refuses the form
    for the same reason. Call ``check`` before anything is done with the fields.

    A form without files may also be sent as ``application/x-www-form-urlencoded``.

    Raises:
        FormRefused: another site sent it, it is too long, broken, or the browser stopped in the middle.
        BlobsUnavailable: a file cannot be stored.
    """
    sent = SentFiles()
    if visit.receive is None:
        yield sent
        return
    try:
        await _Reader(visit, visit.receive, company_of, sent).read()
        yield sent
    finally:
        if not sent.are_kept and sent.company_id is not None:
            for file in sent.files:
                await visit.services.blobs.delete(Key(sent.company_id, file.content.id))


async def read_fields(browser: Browser, receive: Receive) -> Form:
    """Return the fields of a form with files. No file is stored: files are read as far as ``_DROPPED_MAX`` and dropped.

    Raises:
        FormRefused: another site sent it, it is too long or broken.
    """
    browser.require_own_page()
    parts = _Parts(receive, _boundary(browser), _DROPPED_MAX)
    fields, has_files = _Fields(parts), False
    try:
        while (part := await parts.next()) is not None and len(fields.pairs) < FIELDS_MAX:
            if part.file_name is None:
                await fields.add(part.name)
            else:
                has_files = True
                await parts.skip()
    except FormRefused:
        if not has_files:
            raise
    return Form(fields.pairs)


@asynccontextmanager
async def receive_own_files(visit: Visit, most: Mapping[str, int]) -> AsyncIterator[dict[str, IO[bytes]]]:
    """Receive a form with files that are no attachments, and yield them by the names of their fields, while it lasts.

    ``most`` says how many bytes the file of each field may have; a larger one is in a temporary file. ``visit.form``
    has the fields from then on, of which the token must stand before the first file. A field in which no file was
    chosen has none.

    Raises:
        FormRefused: another site sent it, it is too long, or broken.
        InvalidInput: a file is too large.
    """
    with ExitStack() as opened:
        yield {} if visit.receive is None else await _own_files(visit, visit.receive, most, opened)


async def _own_files(
    visit: Visit, receive: Receive, most: Mapping[str, int], opened: ExitStack
) -> dict[str, IO[bytes]]:
    parts = _Parts(receive, _boundary(visit.browser), _DROPPED_MAX + sum(most.values()))
    fields, files, violations = _Fields(parts), dict[str, IO[bytes]](), []
    while (part := await parts.next()) is not None:
        if part.file_name is None:
            await fields.add(part.name)
            continue
        visit.browser.check_token(visit.secret, Form(fields.pairs))
        if not part.file_name or part.name not in most or part.name in files:
            await parts.skip()
            continue
        file = opened.enter_context(SpooledTemporaryFile[bytes](_IN_MEMORY_MAX))
        async for chunk in parts.content():
            if file.tell() + len(chunk) > most[part.name]:
                await parts.skip()
                violations.append(Violation(part.name, f"must have at most {_size(most[part.name])}", RuleCode.LENGTH))
            else:
                file.write(chunk)
        file.seek(0)
        files[part.name] = cast("IO[bytes]", file)
    visit.form = Form(fields.pairs)
    visit.browser.check_token(visit.secret, visit.form)
    require_valid(violations)
    return files


def _size(most: int) -> str:
    return f"{most >> 20} MB" if most >= 1 << 20 else f"{most >> 10} KB"


def _boundary(browser: Browser) -> bytes:
    sent_type = header(browser.scope, b"content-type") or b""
    return parse_options_header(sent_type)[1].get(b"boundary", b"")


class _Reader:
    """Reads one form, part by part."""

    def __init__(self, visit: Visit, receive: Receive, company_of: CompanyOf, sent: SentFiles) -> None:
        self._visit, self._company_of, self._sent = visit, company_of, sent
        most = FORM_MAX + FILES_MAX * visit.services.attachments.size
        self._parts = _Parts(receive, _boundary(visit.browser), most)
        self._fields = _Fields(self._parts)
        self._is_first_file = True
        self._described: list[str] = []

    async def read(self) -> None:
        """Read all parts."""
        while (part := await self._parts.next()) is not None:
            if part.file_name is None:
                await self._fields.add(part.name)
            else:
                await self._file(part.file_name, part.media_type)
        self._visit.form = Form(self._fields.pairs, tuple(self._described))
        self._visit.browser.check_token(self._visit.secret, self._visit.form)

    async def _file(self, name: str, media_type: bytes) -> None:
        """Store a file. A field for files in which none was chosen sends one without a name and content."""
        if self._is_first_file:
            await self._begin_files()
        company_id, limits = self._sent.company_id, self._visit.services.attachments
        if not name or company_id is None:
            await self._parts.skip()
            return
        if len(self._described) == FILES_MAX:
            await self._parts.skip()
            self._sent.violations[FILES_MAX:] = [Violation(FIELD, f"must be at most {FILES_MAX}", RuleCode.COUNT)]
            return
        try:
            kind = specific_type(name, media_type.decode("latin-1"), limits)
            new = new_attachment(name, kind, Visibility.PUBLIC, limits)
            content = await self._visit.services.blobs.stage(company_id, self._parts.content(), most=limits.size)
            self._sent.files.append(SentFile(new, content))
            self._described.append(f"{name} {new.media_type} {content.sha256.hex()}")
        except InvalidInput as error:
            await self._parts.skip()
            [violation, *_others] = error.violations
            self._described.append(name)
            self._sent.violations.append(replace(violation, field=FIELD, rule=f"{name}: {violation.rule}"))

    async def _begin_files(self) -> None:
        """Check that a page of this session sends the form, before anything is stored, and find out for whom."""
        self._is_first_file = False
        form = Form(self._fields.pairs)
        self._visit.browser.check_token(self._visit.secret, form)
        try:
            self._sent.company_id = await self._company_of(form)
        except (InvalidInput, NotFound):
            self._sent.company_id = None


class _Part(Struct, frozen=True):
    """A part of a form: a field, or a file if it has the name of one."""

    name: str
    file_name: str | None
    media_type: bytes


class _Fields:
    """The fields of a form, which are read one by one."""

    def __init__(self, parts: "_Parts") -> None:
        self._parts = parts
        self._left = FORM_MAX
        self.pairs: list[tuple[str, str]] = []

    async def add(self, name: str) -> None:
        """Read the field that the present part is.

        Raises:
            FormRefused: the form has too many fields, or they are too long.
        """
        value = await self._parts.value(self._left)
        self._left -= len(value)
        self.pairs.append((name, _text(value).replace("\r\n", "\n")))
        if len(self.pairs) > FIELDS_MAX:
            raise FormRefused


class _Parts:
    """The parts of a request's body, in their order."""

    def __init__(self, receive: Receive, boundary: bytes, most: int) -> None:
        self._receive, self._most = receive, most
        self._events: deque[tuple[str, bytes]] = deque()
        self._has_more, self._is_inside = True, False
        callbacks: MultipartCallbacks = {
            "on_header_field": self._slice("name"),
            "on_header_value": self._slice("value"),
            "on_header_end": lambda: self._events.append(("header_end", b"")),
            "on_headers_finished": lambda: self._events.append(("begin", b"")),
            "on_part_data": self._slice("data"),
            "on_part_end": lambda: self._events.append(("part_end", b"")),
            "on_end": lambda: self._events.append(("end", b"")),
        }
        try:
            self._parser = MultipartParser(boundary, callbacks)
        except FormParserError:
            raise FormRefused from None

    async def next(self) -> _Part | None:
        """Return the next part; None after the last one."""
        headers = await self._headers()
        if headers is None:
            return None
        options = parse_options_header(headers.get(b"content-disposition"))[1]
        file_name = options.get(b"filename")
        return _Part(
            _text(options.get(b"name", b"")),
            None if file_name is None else _text(file_name.replace(b"%22", b'"')),
            headers.get(b"content-type", ANY_TYPE.encode()),
        )

    async def _headers(self) -> dict[bytes, bytes] | None:
        """Return the headers of the next part, by their names in lower case; None after the last part."""
        headers: dict[bytes, bytes] = {}
        name = value = b""
        while True:
            kind, data = await self._event()
            if kind == "name":
                name += data
            elif kind == "value":
                value += data
            elif kind == "header_end":
                headers[name.lower()] = value
                name = value = b""
            elif kind == "begin":
                self._is_inside = True
                return headers
            elif kind == "end":
                return None

    async def content(self) -> AsyncIterator[bytes]:
        """Yield the content of the part."""
        while self._is_inside:
            kind, data = await self._event()
            if kind == "part_end":
                self._is_inside = False
            elif kind == "data":
                yield data

    async def value(self, most: int) -> bytes:
        """Return the content of the part, which is a field.

        Raises:
            FormRefused: it is longer than ``most`` bytes.
        """
        value = bytearray()
        async for chunk in self.content():
            value += chunk
            if len(value) > most:
                raise FormRefused
        return bytes(value)

    async def skip(self) -> None:
        """Read the rest of the part, and drop it."""
        async for _chunk in self.content():
            pass

    async def _event(self) -> tuple[str, bytes]:
        while not self._events:
            if not self._has_more:
                raise FormRefused
            message = await self._receive()
            body = message.get("body", b"")
            self._most -= len(body)
            if self._most < 0 or message["type"] == "http.disconnect":
                raise FormRefused
            try:
                self._parser.write(body)
            except FormParserError:
                raise FormRefused from None
            self._has_more = message.get("more_body", False)
        return self._events.popleft()

    def _slice(self, kind: str) -> Callable[[bytes, int, int], None]:
        return lambda data, start, end: self._events.append((kind, data[start:end]))


def _text(value: bytes) -> str:
    """Return a value as browsers encode it (HTML, "multipart/form-data encoding algorithm")."""
    return value.decode("utf-8", "replace")
