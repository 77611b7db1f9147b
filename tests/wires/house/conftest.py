import pytest

from clearline.identity import Role
from clearline.platform.database.transactions import Database
from tests.builders.people import staff_key


@pytest.fixture(scope="module")
async def agent(database: Database) -> dict[str, str]:
    """Return the headers of an agent."""
    return await staff_key(database, Role.AGENT)


@pytest.fixture(scope="module")
async def admin(database: Database) -> dict[str, str]:
    """Return the headers of an admin of the provider."""
    return await staff_key(database, Role.ADMIN)
