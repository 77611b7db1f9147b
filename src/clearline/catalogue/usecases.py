"""The catalogue, which every process keeps in memory."""

from collections.abc import Callable, Iterable

from clearline.catalogue import store as catalogue_store
from clearline.catalogue.domain import Catalogue, catalogue_of, check_known
from clearline.errors import Violation, require_valid
from clearline.platform.database.transactions import Transactions, Tx

_NAME = "catalogue"


async def current_catalogue(tx: Tx) -> Catalogue:
    """Return the catalogue: from memory, where the process is notified of its changes."""
    return await tx.memory.get(tx, _NAME, stored_catalogue)


async def catalogue_of_database(database: Transactions) -> Catalogue:
    """Return the catalogue where there is no transaction yet. Without a connection, where the process knows it."""
    return await database.remembered(_NAME, stored_catalogue)


async def stored_catalogue(tx: Tx) -> Catalogue:
    """Return the catalogue as it is stored, for those who change it, or show it to its admins."""
    return catalogue_of(await catalogue_store.issue_types(tx), await catalogue_store.service_types(tx))


async def violations_of(tx: Tx, check: Callable[[Catalogue], list[Violation]]) -> list[Violation]:
    """Return the rules that values break. ``check`` returns those that they break by a catalogue.

    Before it says so, it reads what is stored: another process may have added the type a moment ago.
    """
    return check(await current_catalogue(tx)) and check(await stored_catalogue(tx))


async def require_types(tx: Tx, check: Callable[[Catalogue], list[Violation]]) -> Catalogue:
    """Return the catalogue by which values are valid: see ``violations_of``.

    Raises:
        InvalidInput: the values break a rule.
    """
    catalogue = await current_catalogue(tx)
    if check(catalogue):
        catalogue = await stored_catalogue(tx)
        require_valid(check(catalogue))
    return catalogue


async def issue_keys(tx: Tx, texts: Iterable[str], field: str = "issue_type") -> tuple[str, ...]:
    """Return the keys of the types of issues that have these keys or names, in any case, each once.

    Raises:
        InvalidInput: one of them names none.
    """
    named = tuple(dict.fromkeys(texts))

    def check(catalogue: Catalogue) -> list[Violation]:
        return check_known([catalogue.issue_named(text) or text for text in named], catalogue.issue_types, field)

    catalogue = await require_types(tx, check)
    return tuple(dict.fromkeys(catalogue.issue_named(text) or text for text in named))


async def service_keys(tx: Tx, texts: Iterable[str], field: str = "service_type") -> tuple[str, ...]:
    """Return the keys of the types of services that have these keys or names, in any case, each once.

    Raises:
        InvalidInput: one of them names none.
    """
    named = tuple(dict.fromkeys(texts))

    def check(catalogue: Catalogue) -> list[Violation]:
        return check_known([catalogue.service_named(text) or text for text in named], catalogue.service_types, field)

    catalogue = await require_types(tx, check)
    return tuple(dict.fromkeys(catalogue.service_named(text) or text for text in named))
