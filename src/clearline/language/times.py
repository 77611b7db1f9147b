"""Times in the language and the time zone of whoever reads them."""

from datetime import datetime

from clearline.language.languages import ENGLISH
from clearline.language.reader import reader


def zone_name(at: datetime) -> str:
    """Return the name of the zone of a time, such as ``CET``, in German ``MEZ``, or its offset: ``UTC+05:45``."""
    language = reader().language
    name = at.strftime("%Z")
    if language != ENGLISH and name != "UTC":
        from babel.dates import get_timezone_name  # noqa: PLC0415 - commands have to start fast

        own = get_timezone_name(at, width="short", locale=language)
        name = own if own.isalpha() else name
    offset = at.strftime("%z")
    return name if name.isalpha() else f"UTC{offset[:3]}:{offset[3:5]}"


def time_text(at: datetime) -> str:
    """Return a time to the minute for the reader, with the name of its zone: ``1 Mar 2026 13:00 CET``."""
    local = at.astimezone(reader().zone)
    if reader().language == ENGLISH:
        return f"{local:%-d %b %Y %H:%M} {zone_name(local)}"
    from babel.dates import format_datetime  # noqa: PLC0415 - commands have to start fast

    day = format_datetime(local, "d. MMM y, HH:mm", locale=reader().language)
    return f"{day} {zone_name(local)}"
