"""Properties that hold for any text and any page size."""

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clearline.platform.database.transactions import Database
from clearline.text import is_blank
from tests.builders.console_connect import TICKETS, Json, raise_ticket
from tests.builders.people import Tenant, new_tenant

ON_THE_WIRE = settings(
    max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], database=None
)
TICKET_COUNT = 23
CHARACTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\x00")


def texts(most: int) -> st.SearchStrategy[str]:
    return st.text(CHARACTERS, min_size=1, max_size=most)


@pytest.fixture(scope="module")
async def many(client: httpx.AsyncClient, database: Database) -> tuple[Tenant, list[Json]]:
    """Return a company with tickets, newest first."""
    tenant = await new_tenant(database)
    tickets = [await raise_ticket(client, tenant, name=f"Ticket {index}") for index in range(TICKET_COUNT)]
    return tenant, tickets[::-1]


@ON_THE_WIRE
@given(name=texts(255), description=texts(2000), note=texts(2000).filter(lambda text: not is_blank(text)))
async def test_text_is_returned_exactly_as_it_was_sent(
    client: httpx.AsyncClient, tenant: Tenant, name: str, description: str, note: str
) -> None:
    raised = await raise_ticket(client, tenant, name=name, description=description)
    assert (raised["name"], raised["description"]) == (name, description)
    path = f"{TICKETS}/{raised['id']}"
    noted = await client.post(f"{path}/addNote", headers=tenant.headers, json={"noteText": note})
    assert noted.status_code == 200
    assert noted.json()["notes"][-1]["text"] == note
    read = await client.get(path, headers=tenant.headers)
    assert read.json() == noted.json()
    assert (read.json()["name"], read.json()["description"]) == (name, description)
    listed = await client.get(TICKETS, headers=tenant.headers, params={"status": "open", "pageSize": 1})
    assert listed.json() == [read.json()]


@ON_THE_WIRE
@given(size=st.integers(1, TICKET_COUNT + 2))
async def test_the_pages_contain_every_ticket_once_newest_first(
    client: httpx.AsyncClient, many: tuple[Tenant, list[Json]], size: int
) -> None:
    tenant, tickets = many
    listed: list[Json] = []
    last = -(-TICKET_COUNT // size)
    for page in range(1, last + 2):
        params: dict[str, str | int] = {"status": "open", "page": page, "pageSize": size}
        answer = await client.get(TICKETS, headers=tenant.headers, params=params)
        assert answer.headers["x-total-count"] == str(TICKET_COUNT)
        shown = answer.json()
        assert len(shown) == (size if page < last else TICKET_COUNT - size * (last - 1) if page == last else 0)
        listed += shown
    assert listed == tickets
    numbers = [ticket["id"] for ticket in listed]
    assert numbers == sorted(numbers, reverse=True)
