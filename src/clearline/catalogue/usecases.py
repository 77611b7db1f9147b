"""The catalogue, which every process keeps in memory."""

from clearline.catalogue import store as catalogue_store
from clearline.catalogue.domain import Catalogue, catalogue_of
from clearline.platform.database.transactions import Tx


async def current_catalogue(tx: Tx) -> Catalogue:
    """Return the catalogue: from memory, where the process is notified of its changes."""
    return await tx.memory.get(tx, "catalogue", _read)


async def _read(tx: Tx) -> Catalogue:
    return catalogue_of(await catalogue_store.issue_types(tx), await catalogue_store.service_types(tx))
