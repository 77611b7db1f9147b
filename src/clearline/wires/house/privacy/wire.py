"""House API v1: personal data, exactly as it travels."""

from typing import Annotated

from msgspec import Meta, Struct

from clearline.privacy.erasure_domain import ALSO_LEAST, ALSO_LONGEST, ALSO_MAX, REASON_MAX
from clearline.text import EMAIL_MAX
from clearline.wires.house.wire import Id, Moment, Number
from clearline.wires.http.fields import characters

Address = Annotated[str, characters(3, EMAIL_MAX)]
Word = Annotated[str, characters(ALSO_LEAST, ALSO_LONGEST)]


class PersonExportQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Whose data is exported."""

    address: Annotated[Address, Meta(description="The e-mail address of the person, who may have no account.")]


class ErasureIn(Struct, forbid_unknown_fields=True, kw_only=True):
    """Whom to erase, and why; the reason is kept, and must not hold the person's name or address.

    ``also`` are further words that are replaced by the name of the pseudonym, such as an earlier name. With ``dry_run``
    it is counted what would be rewritten, and nothing is changed.
    """

    address: Address
    reason: Annotated[str, characters(1, REASON_MAX)]
    also: Annotated[list[Word], Meta(max_length=ALSO_MAX)] = []
    dry_run: bool = False


class AskedBy(Struct, frozen=True):
    """Who asked for it. ``id`` is null for the operator at the command line."""

    id: Id | None
    name: str


class PseudonymOut(Struct, frozen=True):
    """What stands in the place of the person's name, address and phone numbers."""

    name: str
    address: str
    phone: str


class ErasedFileOut(Struct, frozen=True):
    """A file that somebody has to look at: the person attached it, or it is called after the person.

    ``holds_words`` says whether the words were found in its content as text; null when it was too large to be searched.
    """

    ticket: Number
    id: Id
    size: int
    is_own: bool
    holds_words: bool | None


class ErasureOut(Struct, frozen=True):
    """An erasure of a person, or a dry run of one. ``progress`` goes from 0 to 1.

    ``rows`` counts, by table, the rows that were rewritten or deleted so far, or would be. ``accounts`` are the ids of
    the users that were the person. ``hints`` say what to know about the words that are looked for.
    """

    id: Id
    dry_run: bool
    reason: str
    pseudonym: PseudonymOut
    accounts: list[Id]
    hints: list[str]
    asked_by: AskedBy
    asked_at: Moment
    progress: float
    rows: dict[str, int]
    files: list[ErasedFileOut]
    finished_at: Moment | None


class CertificateBody(Struct, frozen=True):
    """What was done. It does not hold the person's name, address or phone numbers.

    ``asked_by`` is the id of a user, or null for the operator. ``not_reached`` says what an erasure does not reach.
    """

    erasure: Id
    pseudonym: str
    pseudonym_address: str
    accounts: list[Id]
    reason: str
    asked_by: Id | None
    asked_at: Moment
    finished_at: Moment
    rows: dict[str, int]
    files: list[ErasedFileOut]
    hints: list[str]
    not_reached: list[str]


class CertificateOut(Struct, frozen=True):
    """A certificate of an erasure, with the SHA-256 of its JSON: members sorted, without space between them."""

    certificate: CertificateBody
    sha256: str
