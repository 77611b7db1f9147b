"""A field of each type, and a value of it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from clearline.fields import usecases as fields
from clearline.fields.domain import FieldType, Option, RecordKind, RefersTo
from clearline.identity import OPERATOR
from clearline.platform.database.transactions import Database
from tests.builders.house import no_fields
from tests.builders.people import NOW

_OPTIONS = (Option("emea", "Europe"), Option("apac", "Asia"), Option("amer", "America"))
TYPES: dict[str, dict[str, Any]] = {
    "text": {"type": FieldType.TEXT},
    "long_text": {"type": FieldType.LONG_TEXT},
    "integer": {"type": FieldType.INTEGER},
    "decimal": {"type": FieldType.DECIMAL},
    "boolean": {"type": FieldType.BOOLEAN},
    "date": {"type": FieldType.DATE},
    "datetime": {"type": FieldType.DATETIME},
    "choice": {"type": FieldType.CHOICE, "options": _OPTIONS},
    "choices": {"type": FieldType.CHOICES, "options": _OPTIONS},
    "url": {"type": FieldType.URL},
    "email": {"type": FieldType.EMAIL},
    "ip": {"type": FieldType.IP},
    "phone": {"type": FieldType.PHONE},
    "service": {"type": FieldType.REFERENCE, "refers_to": RefersTo.SERVICE},
    "company": {"type": FieldType.REFERENCE, "refers_to": RefersTo.COMPANY},
    "user": {"type": FieldType.REFERENCE, "refers_to": RefersTo.USER},
}
"""The fields by their keys: one of each type, and of each kind of reference."""
VALUES: dict[str, Any] = {
    "text": "BIR-4711", "long_text": "Ring the bell.\n\nThen = wait: 5 minutes,\n  by the door.", "integer": 42,
    "decimal": -12.5, "boolean": False, "date": "2026-11-30", "datetime": "2026-11-30T04:05:06Z", "choice": "apac",
    "choices": ["emea", "amer"], "url": "https://status.example.com/a?b=c&d=e", "email": "noc@vendor.example.org",
    "ip": "2001:db8::/32", "phone": "+1-555-0199", "service": "SVC-1",
}  # fmt: skip
"""A value of each but the companies and people."""


@asynccontextmanager
async def fields_of_each_type(database: Database) -> AsyncIterator[None]:
    """Have tickets with a field of each type alone, and leave none behind."""
    await no_fields(database)
    async with database.transaction() as tx:
        for key, values in TYPES.items():
            new = {"record": RecordKind.TICKET, "key": key, "label": f"The {key}", **values}
            await fields.add_field(tx, OPERATOR, new, now=NOW)
    yield
    await no_fields(database)
