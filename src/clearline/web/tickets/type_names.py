"""What pages call the types of issues and services, for the people of each side."""

from contextvars import ContextVar

from clearline.catalogue.domain import Catalogue, Entry, IssueEntry
from clearline.language.reader import reader

_SHOWN: ContextVar[tuple[Catalogue, bool] | None] = ContextVar("types", default=None)


def show_types(catalogue: Catalogue, *, for_customers: bool) -> None:
    """Call the types in the pages of the present request as this catalogue does."""
    _SHOWN.set((catalogue, for_customers))


def entry_name(entry: Entry) -> str:
    """Return what the reader of the present page calls a type."""
    shown = _SHOWN.get()
    return entry.name_for_customers(reader().language) if shown is not None and shown[1] else entry.name


def entry_help(entry: Entry) -> str:
    """Return the help text of a type in the language of the present page."""
    return entry.help_in(reader().language)


def issue_choices(service_type: str) -> list[IssueEntry]:
    """Return the types of issues that a ticket about a type of service can get."""
    shown = _SHOWN.get()
    return [] if shown is None else shown[0].issues_of(service_type)


def issue_name(key: str) -> str:
    """Return what the reader calls a type of issue; the key of one that was deleted."""
    shown = _SHOWN.get()
    entry = None if shown is None else shown[0].issue_types.get(key)
    return key if entry is None else entry_name(entry)


def service_name(key: str) -> str:
    """Return what the reader calls a type of service; the key of one that was deleted."""
    shown = _SHOWN.get()
    entry = None if shown is None else shown[0].service_types.get(key)
    return key if entry is None else entry_name(entry)
