"""Who a person is: an e-mail address, and the accounts that have it."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from clearline.identity import User

KIND = "person"
NOT_EXPORTED = (
    "Passwords, secrets and hashes of them, of which nobody has a copy.",
    "Texts of other people that name the person, such as a note about it.",
    "What repeats these records: webhooks, contents of answers that are kept for retries, the search.",
    "Backups, the write-ahead log of the database, and log files.",
    "What has left Clearline: mails in mailboxes, webhooks at their receivers, earlier exports.",
)
"""What an export of a person does not have, for whoever hands it out."""


class Person(Struct, frozen=True):
    """A person: an address in lower case, and the accounts with it, of all companies."""

    address: str
    users: tuple[User, ...] = ()

    @property
    def user_ids(self) -> list[UUID]:
        """The ids of the accounts."""
        return [user.id for user in self.users]


class Subject(Struct, frozen=True):
    """What an event is about. It does not say the address, which would be one more copy of it."""

    id: UUID
    name: str = "Personal data"


class PersonExport(Struct, frozen=True):
    """An export that may be made: of whom, and when it was asked for."""

    person: Person
    at: datetime

    @property
    def file_name(self) -> str:
        """The name of the file, which does not name the person: it may stand in logs and lists of downloads."""
        return f"person-{self.at:%Y%m%d-%H%M%S}.zip"


class Contents(Struct, frozen=True):
    """What an export has: how many records of each table, mails, files, and the ids of files that could not be read."""

    records: dict[str, int]
    mails: int
    files: int
    missing_files: tuple[str, ...]
