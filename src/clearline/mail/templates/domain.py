"""The text of a kind of mail in a language: its rules, and the pieces that a mail is made of."""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from hashlib import sha256

from msgspec import Struct

from clearline.controls import visible
from clearline.errors import RuleCode, Violation
from clearline.mail.templates.blocks import Block, Heading, Paragraph, Piece, Value
from clearline.mail.templates.kinds import KINDS, MailKind, Placeholder
from clearline.text import check_text, is_blank

SUBJECT_MAX = 200
BODY_MAX = 10_000
PLACEHOLDERS_MAX = 60
"""Placeholders in a text: each may be as long as the title of a ticket."""
SUBJECT, BODY = "subject", "body"
MARKS = "\ue000", "\ue001"
"""Stand around the index of a value in a paragraph. They are of a private use (Unicode 16, section 23.5)."""

_PLACEHOLDER = re.compile(r"\{\{([^{}\n]*)\}\}")
_FENCE = "```"


class MailText(Struct, frozen=True):
    """A subject, in one line, and a body. Both have placeholders; the body is Markdown."""

    subject: str
    body: str

    @property
    def digest(self) -> str:
        """What tells this text from another one."""
        return sha256(f"{self.subject}\n{self.body}".encode()).hexdigest()[:32]


class StoredText(Struct, frozen=True):
    """A text that an admin wrote, and the digest of the shipped one that it replaced."""

    text: MailText
    shipped_digest: str
    changed_at: datetime


class MailTemplate(Struct, frozen=True):
    """The text of a kind of mail in a language. ``stored`` is None where the shipped text is sent."""

    kind: MailKind
    language: str
    shipped: MailText
    stored: StoredText | None = None

    @property
    def id(self) -> str:
        """The kind and the language."""
        return f"{self.kind}.{self.language}"

    @property
    def name(self) -> str:
        """What events call it."""
        return f"{KINDS[self.kind].title} ({self.language})"

    @property
    def text(self) -> MailText:
        """The text that admins see, whether or not it can be sent."""
        return self.shipped if self.stored is None else self.stored.text

    @property
    def problems(self) -> list[Violation]:
        """The rules that a stored text breaks: since an update, they are others than those it was saved by."""
        return [] if self.stored is None else check_mail_text(self.kind, self.stored.text)

    @property
    def sent(self) -> MailText:
        """The text that is sent: the shipped one where the stored one breaks a rule, so that no mail is lost."""
        return self.shipped if self.problems else self.text

    @property
    def is_outdated(self) -> bool:
        """Whether the shipped text changed since the stored one replaced it."""
        return self.stored is not None and self.stored.shipped_digest != self.shipped.digest


def tidy(text: MailText) -> MailText:
    """Return a text with line feeds only, and without blanks at the ends of its lines and around it."""
    lines = text.body.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return MailText(text.subject.strip(), "\n".join(map(str.rstrip, lines)).strip("\n"))


def check_mail_text(kind: MailKind, text: MailText) -> list[Violation]:
    """Return the rules that a text breaks; those of a line of the body name its number."""
    violations = [
        *check_text(SUBJECT, text.subject, most=SUBJECT_MAX),
        *check_text(BODY, text.body, most=BODY_MAX),
        *(_check_characters(SUBJECT, text.subject, "")),
    ]
    if violations:
        return violations
    violations = list(_check_line(kind, SUBJECT, "", text.subject))
    lines = text.body.split("\n")
    for number, line in enumerate(lines, 1):
        violations += _check_line(kind, BODY, f"line {number}: ", line)
    names = _names(text.body)
    blocks = [name for name in names if _is_block(kind, name)]
    for name in sorted({name for name in blocks if blocks.count(name) > 1}):
        violations.append(Violation(BODY, f"must have {{{{ {name} }}}} only once", RuleCode.COUNT))
    for name in sorted(KINDS[kind].required - set(names)):
        where = " on a line of its own" if _is_block(kind, name) else ""
        violations.append(Violation(BODY, f"must have {{{{ {name} }}}}{where}", RuleCode.REQUIRED))
    if len(names) > PLACEHOLDERS_MAX:
        violations.append(Violation(BODY, f"must have at most {PLACEHOLDERS_MAX} placeholders", RuleCode.COUNT))
    for field, value in ((SUBJECT, text.subject), (BODY, text.body)):
        if is_blank(value):
            violations.append(Violation(field, "must not be blank", RuleCode.BLANK))
    return violations


def _check_characters(field: str, line: str, where: str) -> Iterator[Violation]:
    if visible(line).replace("\t", " ") != line.replace("\t", " ") or "\n" in line or set(MARKS) & set(line):
        yield Violation(field, f"{where}must not have control characters", RuleCode.CHARACTERS)


def _check_line(kind: MailKind, field: str, where: str, line: str) -> Iterator[Violation]:
    yield from _check_characters(field, line, where)
    for name in _names(line):
        placeholder = KINDS[kind].placeholder(name)
        if placeholder is None:
            yield Violation(field, f"{where}{{{{ {name} }}}} is no placeholder of this mail", RuleCode.CHOICE)
        elif placeholder.is_block and field == SUBJECT:
            yield Violation(field, f"{where}{placeholder.shown} can only be in the body", RuleCode.CHOICE)
        elif placeholder.is_block and not _PLACEHOLDER.fullmatch(line.strip()):
            yield Violation(field, f"{where}{placeholder.shown} must stand on a line of its own", RuleCode.FORMAT)
    rest = _PLACEHOLDER.sub("", line)
    if "{{" in rest or "}}" in rest:
        yield Violation(field, f"{where}a placeholder must have {{{{ before it and }}}} after it", RuleCode.FORMAT)


def _names(text: str) -> list[str]:
    return [name.strip() for name in _PLACEHOLDER.findall(text)]


def _is_block(kind: MailKind, name: str) -> bool:
    placeholder = KINDS[kind].placeholder(name)
    return isinstance(placeholder, Placeholder) and placeholder.is_block


def filled_line(text: str, values: Mapping[str, Value]) -> str:
    """Return a line with its placeholders filled in. Placeholders in the values stay as they are."""
    return _PLACEHOLDER.sub(lambda match: _word(values[match[1].strip()]), text)


def pieces(body: str, values: Mapping[str, Value]) -> list[Piece]:
    """Return what a body is made of, in order. A paragraph or heading with an empty value in it is left out."""
    found: list[Piece] = []
    for part in _parts(body):
        names = _names(part)
        if any(not values[name] for name in names):
            continue
        block = values[names[0]] if names and _PLACEHOLDER.fullmatch(part.strip()) else None
        if isinstance(block, Block):
            found.append(block)
        elif part.startswith("# "):
            found.append(Heading(filled_line(part[2:].strip(), values)))
        else:
            found.append(_paragraph(part, values))
    return found


def _paragraph(part: str, values: Mapping[str, Value]) -> Paragraph:
    words: list[str] = []

    def mark(match: re.Match[str]) -> str:
        words.append(_word(values[match[1].strip()]))
        return f"{MARKS[0]}{len(words) - 1}{MARKS[1]}"

    return Paragraph(_PLACEHOLDER.sub(mark, part), words)


_MARKED = re.compile(f"{MARKS[0]}([0-9]+){MARKS[1]}")


def with_values(text: str, values: Callable[[int], str]) -> str:
    """Return the text of a paragraph with its values, by their index."""
    return _MARKED.sub(lambda match: values(int(match[1])), text)


def plain(paragraph: Paragraph) -> str:
    """Return a paragraph as it stands in the text part of a mail."""
    return with_values(paragraph.text, lambda index: paragraph.values[index])


def _parts(body: str) -> Iterator[str]:
    """Yield the paragraphs of a body, its headings, and the lines that have nothing but a placeholder.

    Blank lines within a fence of code belong to its paragraph.
    """
    lines: list[str] = []
    is_code = False
    for line in [*body.split("\n"), ""]:
        is_code ^= line.lstrip().startswith(_FENCE)
        stands_alone = not is_code and (line.startswith("# ") or _PLACEHOLDER.fullmatch(line.strip()))
        if (not line.strip() and not is_code) or stands_alone:
            if lines:
                yield "\n".join(lines)
            lines = []
        if stands_alone:
            yield line
        elif line.strip() or lines:
            lines.append(line)
    if lines:
        yield "\n".join(lines)


def _word(value: Value) -> str:
    """Return a value in one line."""
    return " ".join(value.split()) if isinstance(value, str) else ""
