"""House API v1: ids in paths, queries and bodies."""

from typing import Any
from uuid import UUID

from clearline.accounts import permissions
from clearline.errors import InvalidInput, NotFound, RuleCode, Violation
from clearline.identity import Actor
from clearline.platform.database.transactions import Tx

EXAMPLE_ID = "0f8fad5b-d9cb-469f-a165-70867728950e"


def id_in_path(name: str, about: str, **more: str) -> dict[str, dict[str, Any]]:
    """Return the description of a path parameter that is an id, for the table of operations."""
    return {name: {"description": about, **more, "schema": {"type": "string", "format": "uuid"}}}


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


def user_in_query(actor: Actor, text: str | None) -> UUID | None:
    """Return the id of the user that a query parameter names; ``me`` is the actor.

    Raises:
        NotFound: the text is not a UUID.
    """
    if text == "me" and actor.user is not None:
        return actor.user.id
    return None if text is None else uuid_of(text, "user")


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
        return (await permissions.company_typed(tx, actor, text)).id
    except NotFound:
        raise InvalidInput(
            [Violation("company", "must be the code, name or id of a customer", RuleCode.REFERENCE)]
        ) from None
