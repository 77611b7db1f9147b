"""Types of own fields: how a value of each is read, and its canonical form.

A value is stored and shown in its canonical form: text, numbers and yes or no as JSON has them; a date as
``2026-11-29``; a moment in UTC as ``2026-11-29T10:00:00Z``; options by their keys; a reference as an id.
"""

import ipaddress
import math
import re
from collections.abc import Callable
from datetime import MAXYEAR, MINYEAR, UTC, date, datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from clearline.errors import RuleCode
from clearline.fields.domain import LENGTHS, OPTIONS_MAX, TEXT_MAX, URL_MAX, Field, FieldType, RefersTo
from clearline.text import check_email, check_text, is_blank, is_mailable

INTEGER_MAX = 2**53 - 1
"""The greatest whole number that every reader of JSON keeps exactly (RFC 8259, section 6)."""
DECIMAL_MAX = 1e15
_PHONE = re.compile(r"\+?[0-9][0-9 ().\-/]{1,38}[0-9]")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_INTEGER = re.compile(r"[+-]?\d{1,16}")
_DECIMAL = re.compile(r"[+-]?\d{1,16}(\.\d{1,25})?([eE][+-]?\d{1,3})?")
_YES, _NO = frozenset({"true", "yes", "1"}), frozenset({"false", "no", "0"})


class WrongValue(Exception):
    """A value that its type or its field refuses."""

    def __init__(self, rule: str, code: RuleCode) -> None:
        super().__init__(rule)
        self.rule, self.code = rule, code


def canonical(field: Field, value: Any) -> Any:
    """Return a value of a field in its canonical form. Text is read as the type writes it, as files and forms have it.

    Raises:
        WrongValue: the type refuses it.
    """
    return _READERS[field.type](field, value)


def _text(field: Field, value: Any) -> str:
    if not isinstance(value, str):
        raise WrongValue("must be a text", RuleCode.TYPE)
    most = LENGTHS.get(field.type, URL_MAX)
    for violation in check_text("", value, most=most):
        raise WrongValue(violation.rule, violation.code)
    if is_blank(value):
        raise WrongValue("must not be blank", RuleCode.BLANK)
    return value


def _short_text(field: Field, value: Any) -> str:
    text = _text(field, value)
    if "\n" in text or "\r" in text:
        raise WrongValue("must be a single line", RuleCode.FORMAT)
    if field.pattern is not None and not re.fullmatch(field.pattern, text):
        raise WrongValue(f"must match the pattern {field.pattern}", RuleCode.FORMAT)
    return text


def _integer(_field: Field, value: Any) -> int:
    if isinstance(value, str) and _INTEGER.fullmatch(value.strip()):
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise WrongValue("must be a whole number", RuleCode.TYPE)
    if abs(value) > INTEGER_MAX:
        raise WrongValue(f"must be between -{INTEGER_MAX} and {INTEGER_MAX}", RuleCode.RANGE)
    return value


def _decimal(_field: Field, value: Any) -> float | int:
    if isinstance(value, str) and _DECIMAL.fullmatch(value.strip()):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise WrongValue("must be a number", RuleCode.TYPE)
    if isinstance(value, float) and not math.isfinite(value):
        raise WrongValue("must be a number", RuleCode.TYPE)
    if abs(value) > DECIMAL_MAX:
        raise WrongValue("must be between -1e15 and 1e15", RuleCode.RANGE)
    return int(value) if float(value).is_integer() else float(value)


def _boolean(_field: Field, value: Any) -> bool:
    word = value.strip().lower() if isinstance(value, str) else None
    if word in _YES or word in _NO:
        return word in _YES
    if not isinstance(value, bool):
        raise WrongValue("must be true or false", RuleCode.TYPE)
    return value


def _date(_field: Field, value: Any) -> str:
    if isinstance(value, str) and _DATE.fullmatch(value.strip()):
        try:
            return date.fromisoformat(value.strip()).isoformat()
        except ValueError:
            pass
    raise WrongValue("must be a date such as 2026-11-29", RuleCode.FORMAT)


def _datetime(_field: Field, value: Any) -> str:
    try:
        moment = datetime.fromisoformat(value.strip()) if isinstance(value, str) else None
        if moment is not None and moment.tzinfo is not None and "T" in value.upper():
            utc = moment.astimezone(UTC).replace(tzinfo=None)
            if MINYEAR < utc.year < MAXYEAR:  # every zone has it
                return f"{utc.isoformat(timespec='seconds')}Z"
    except (ValueError, OverflowError):
        pass
    raise WrongValue("must be a moment with its zone, such as 2026-11-29T10:00:00Z", RuleCode.FORMAT)


def _choice(field: Field, value: Any) -> str:
    option = field.option(value) if isinstance(value, str) else None
    if option is None or not option.active:
        keys = [option.key for option in field.options if option.active]
        raise WrongValue("must be one of " + ", ".join(keys), RuleCode.CHOICE)
    return option.key


def _choices(field: Field, value: Any) -> list[str]:
    if isinstance(value, str):
        value = value.replace(",", " ").split()
    if not isinstance(value, (list, tuple)) or not value:
        raise WrongValue("must be a list of options, or null", RuleCode.TYPE)
    if len(value) > OPTIONS_MAX:
        raise WrongValue(f"must be at most {OPTIONS_MAX}", RuleCode.COUNT)
    chosen = {_choice(field, key) for key in value}
    return [option.key for option in field.options if option.key in chosen]


def _url(field: Field, value: Any) -> str:
    text = _text(field, value).strip()
    try:
        parts = urlsplit(text)
        is_url = parts.scheme in {"http", "https"} and bool(parts.hostname) and not re.search(r"[\s<>\"]", text)
    except ValueError:
        is_url = False
    if not is_url:
        raise WrongValue("must be an address that begins with http:// or https://", RuleCode.FORMAT)
    return text


def _email(field: Field, value: Any) -> str:
    text = _text(field, value).strip()
    if check_email("", text) or not is_mailable(text):
        raise WrongValue("must be an e-mail address", RuleCode.FORMAT)
    return text


def _ip(_field: Field, value: Any) -> str:
    text = value.strip() if isinstance(value, str) else ""
    try:
        if "%" not in text and text:
            return str(ipaddress.ip_network(text)) if "/" in text else str(ipaddress.ip_address(text))
    except ValueError as error:
        if "host bits" in str(error):
            raise WrongValue("must be a prefix without host bits, such as 192.0.2.0/24", RuleCode.FORMAT) from None
    raise WrongValue("must be an IP address or prefix, such as 192.0.2.1 or 2001:db8::/32", RuleCode.FORMAT)


def _phone(_field: Field, value: Any) -> str:
    text = value.strip() if isinstance(value, str) else ""
    if not _PHONE.fullmatch(text):
        raise WrongValue("must be a phone number such as +1-555-0100", RuleCode.FORMAT)
    return text


def _reference(field: Field, value: Any) -> str:
    text = _text(field, value).strip()
    if len(text) > TEXT_MAX:
        raise WrongValue(f"must have 1 to {TEXT_MAX} characters", RuleCode.LENGTH)
    if field.refers_to is RefersTo.SERVICE:
        return text
    try:
        return str(UUID(text))
    except ValueError:
        rule = f"must be the id of a {field.refers_to}"
        raise WrongValue(rule, RuleCode.REFERENCE) from None


_READERS: dict[FieldType, Callable[[Field, Any], Any]] = {
    FieldType.TEXT: _short_text,
    FieldType.LONG_TEXT: _text,
    FieldType.INTEGER: _integer,
    FieldType.DECIMAL: _decimal,
    FieldType.BOOLEAN: _boolean,
    FieldType.DATE: _date,
    FieldType.DATETIME: _datetime,
    FieldType.CHOICE: _choice,
    FieldType.CHOICES: _choices,
    FieldType.URL: _url,
    FieldType.EMAIL: _email,
    FieldType.IP: _ip,
    FieldType.PHONE: _phone,
    FieldType.REFERENCE: _reference,
}


def file_text(value: Any) -> str:
    """Return a value as a cell of a table has it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        return " ".join(map(str, value))
    return "" if value is None else str(value)
