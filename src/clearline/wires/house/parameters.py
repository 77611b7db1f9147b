"""House API v1: ids in paths, queries and bodies."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from clearline.accounts import permissions
from clearline.errors import InvalidInput, NotFound, RuleCode, Violation
from clearline.identity import Actor
from clearline.platform.database.transactions import Tx
from clearline.wires.http.body import InvalidQuery

EXAMPLE_ID = "0f8fad5b-d9cb-469f-a165-70867728950e"


def id_in_path(name: str, about: str, **more: str) -> dict[str, dict[str, Any]]:
    """Return the description of a path parameter that is an id, for the table of operations."""
    return {name: {"description": about, **more, "schema": {"type": "string", "format": "uuid"}}}


_REFERENCES = {
    "company": "must be the code, name or id of a customer",
    "ticket": "must be the number of a ticket",
}
"""What a parameter that names a thing of this kind must be."""


@contextmanager
def query_refusals() -> Iterator[None]:
    """Refuse with 400 a parameter of the query that breaks a rule, or names a company or ticket that is not there.

    404 would mean that the list itself does not exist.

    Raises:
        InvalidQuery: naming the parameter.
    """
    try:
        yield
    except NotFound as missing:
        if missing.kind not in _REFERENCES:
            raise
        rule = f"{_REFERENCES[missing.kind]}; {missing.name} does not exist"
        raise InvalidQuery([Violation(missing.kind, rule, RuleCode.REFERENCE)]) from None
    except InvalidInput as error:
        raise InvalidQuery(list(error.violations)) from None


def uuid_of(text: str, kind: str) -> UUID:
    """Parse the id in a path or parameter: a UUID in canonical form (RFC 9562), so that a resource has one address.

    Raises:
        NotFound: the text is not such a UUID.
    """
    try:
        parsed = UUID(text)
    except ValueError:
        raise NotFound(kind, text) from None
    if str(parsed) != text.lower():
        raise NotFound(kind, text)
    return parsed


def id_in_query(name: str, text: str | None, rule: str) -> UUID | None:
    """Return the id in the query parameter ``name``; ``rule`` says what it must be. An id of nothing is an id.

    Raises:
        InvalidQuery: the text is not a UUID in canonical form.
    """
    try:
        return None if text is None else uuid_of(text, name)
    except NotFound:
        raise InvalidQuery([Violation(name, rule, RuleCode.FORMAT)]) from None


def user_in_query(actor: Actor, name: str, text: str | None, rule: str) -> UUID | None:
    """Return the id of the user that the query parameter ``name`` names; ``me`` is the actor.

    Raises:
        InvalidQuery: the text is neither.
    """
    if text == "me" and actor.user is not None:
        return actor.user.id
    return id_in_query(name, text, rule)


def id_in_body(name: str, text: str | None, kind: str, actor: Actor) -> UUID | None:
    """Parse the id in the member ``name`` of a body; a user may be ``me``.

    Raises:
        InvalidInput: the text is not a UUID.
    """
    if text == "me" and kind == "user" and actor.user is not None:
        return actor.user.id
    try:
        return None if text is None else UUID(text)
    except ValueError:
        raise InvalidInput([Violation(name, f"must be the id of a {kind}, or null", RuleCode.REFERENCE)]) from None


async def company_in_body(tx: Tx, actor: Actor, text: str) -> UUID:
    """Return the id of the company that a body names by its code, name or id.

    Raises:
        InvalidInput: there is no such company for this actor.
    """
    try:
        return (await permissions.ticket_company_typed(tx, actor, text)).id
    except NotFound:
        raise InvalidInput(
            [Violation("company", "must be the code, name or id of a customer", RuleCode.REFERENCE)]
        ) from None
