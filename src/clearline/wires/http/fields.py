"""Types of members that several wires have."""

from typing import Annotated

from msgspec import Meta

from clearline import text

NOT_NUL = r"^[^\x00]*$"

Email = Annotated[
    str,
    Meta(
        min_length=3,
        max_length=text.EMAIL_MAX,
        pattern=f"^{text.EMAIL.pattern}$",
        extra={"rule": f"must be an e-mail address of at most {text.EMAIL_MAX} characters"},
    ),
]


def characters(least: int, most: int, pattern: str = NOT_NUL) -> Meta:
    """Limit the length of a text in characters. The pattern only documents a rule that the domain checks."""
    return Meta(min_length=least, max_length=most, extra_json_schema={"pattern": pattern})
