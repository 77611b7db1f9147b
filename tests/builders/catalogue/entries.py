"""A catalogue without a database."""

from datetime import UTC, datetime
from uuid import uuid5

from clearline.catalogue.domain import Catalogue, IssueEntry, ServiceEntry, catalogue_of
from clearline.catalogue.published import IssueType, ServiceType
from clearline.identity import PROVIDER_ID

_SINCE = datetime(2026, 1, 1, tzinfo=UTC)


def issue_entry(key: str, **values: object) -> IssueEntry:
    """Return an issue type with this key, which is its name, too."""
    word = IssueType(key) if key in set(IssueType) else IssueType.OTHERS
    usual = {"id": uuid5(PROVIDER_ID, key), "name": key, "position": 1, "console_connect": word, "created_at": _SINCE}
    return IssueEntry(key=key, **usual | values)  # type: ignore[arg-type]


def service_entry(key: str, **values: object) -> ServiceEntry:
    """Return a service type with this key, which is its name, too."""
    word = ServiceType(key) if key in set(ServiceType) else ServiceType.NON_CONSOLE
    usual = {"id": uuid5(PROVIDER_ID, key), "name": key, "position": 1, "console_connect": word, "created_at": _SINCE}
    return ServiceEntry(key=key, **usual | values)  # type: ignore[arg-type]


def published_catalogue(*more: IssueEntry | ServiceEntry) -> Catalogue:
    """Return the catalogue of the published types, and of ``more``, which replace those with their keys."""
    issues = {kind.value: issue_entry(kind) for kind in IssueType}
    services = {kind.value: service_entry(kind) for kind in ServiceType}
    issues |= {entry.key: entry for entry in more if isinstance(entry, IssueEntry)}
    services |= {entry.key: entry for entry in more if isinstance(entry, ServiceEntry)}
    return catalogue_of([*issues.values()], [*services.values()])
