"""The priority matrix of a test, and companies with a tier."""

from uuid import UUID, uuid4

from clearline.accounts.tiers import usecases as tiers
from clearline.catalogue.matrix import usecases as matrix
from clearline.catalogue.matrix.domain import Cell, Matrix
from clearline.companies import usecases as companies
from clearline.identity import OPERATOR
from clearline.platform.database.transactions import Database, Tx
from tests.builders.people import NOW


async def set_matrix(tx: Tx, *cells: Cell) -> Matrix:
    """Store a matrix in the place of the one that there is."""
    return await matrix.replace_matrix(tx, OPERATOR, cells, now=NOW)


async def new_tier(tx: Tx, *company_ids: UUID) -> str:
    """Add a tier, give it to companies, and return its key."""
    key = f"t{uuid4().hex[:8]}"
    await tiers.add_tier(tx, OPERATOR, key, key, now=NOW)
    for company_id in company_ids:
        await companies.change_company(tx, OPERATOR, company_id, {"tier": key}, now=NOW)
    return key


async def without_matrix(database: Database) -> None:
    """Remove the matrix, and what there can be at most fifty of: the tiers of tests."""
    async with database.transaction() as tx:
        await set_matrix(tx)
        await tx.write("update company set tier = null where tier like 't________'")
        await tx.write("delete from tier where key like 't________'")
