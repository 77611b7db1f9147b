"""A company with its parent and its children, such as a reseller with its customers."""

import asyncio
from typing import NamedTuple

import httpx

from clearline.clock import now
from clearline.companies import usecases as companies
from clearline.identity import OPERATOR
from clearline.platform.database.transactions import Database
from tests.builders.house import API, TICKETS, Owned, own
from tests.builders.search.index import follow
from tests.patience import patient


class Family(NamedTuple):
    """A company, its child, and the child of that; a sibling of the last; and one that shares with nobody."""

    top: Owned
    parent: Owned
    child: Owned
    sibling: Owned
    private: Owned


async def set_parent(database: Database, child: Owned, parent: Owned | None, *, shares: bool = True) -> None:
    values = {
        "parent_id": None if parent is None else parent.tenant.company.id,
        "shares_with_parent": parent is not None and shares,
    }
    async with database.transaction() as tx:
        await companies.change_company(tx, OPERATOR, child.tenant.company.id, values, now=now())


async def family_of(client: httpx.AsyncClient, database: Database, prefix: str) -> Family:
    top, parent, child, sibling, private = [
        await own(client, database, f"{prefix}{name}") for name in ("top", "mid", "low", "sib", "private")
    ]
    await set_parent(database, parent, top)
    for each in (child, sibling):
        await set_parent(database, each, parent)
    await set_parent(database, private, parent, shares=False)
    await reaches(client, parent, sibling)
    await reaches(client, top, parent)
    await follow(database)
    return Family(top, parent, child, sibling, private)


async def reaches(client: httpx.AsyncClient, viewer: Owned, owner: Owned, status: int = 200) -> None:
    """Wait until a company sees a ticket of another, or does not: a process is notified of a change."""
    async with asyncio.timeout(patient(5)):
        while (  # noqa: ASYNC110 - nothing signals it
            await client.get(f"{TICKETS}/{owner.ids['tickets']}", headers=viewer.headers)
        ).status_code != status:
            await asyncio.sleep(0.01)


async def numbers(client: httpx.AsyncClient, viewer: Owned, path: str) -> set[str]:
    answer = await client.get(f"{API}/{path}", headers=viewer.headers)
    assert answer.status_code == 200, answer.text
    return {ticket["number"] for ticket in answer.json()["data"]}


def tickets_of(*owners: Owned) -> set[str]:
    return {owner.ids[kind] for owner in owners for kind in ("tickets", "other")}
