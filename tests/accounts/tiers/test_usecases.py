"""Tiers are a list of the provider's: keys stay, labels and the order change, what is retired is never deleted."""

from uuid import uuid4

import pytest

from clearline.accounts.tiers import usecases as tiers
from clearline.accounts.tiers.domain import TIERS_MAX, Tier
from clearline.errors import AlreadyExists, Conflict, Forbidden, InvalidInput, NotFound
from clearline.identity import OPERATOR, Role
from clearline.platform.database.transactions import Database
from tests.builders.people import NOW, Tenant, new_person


def a_key() -> str:
    return f"k{uuid4().hex[:8]}"


async def test_a_tier_is_added_changed_and_retired(database: Database) -> None:
    key = a_key()
    async with database.transaction() as tx:
        added = await tiers.add_tier(tx, OPERATOR, key, f"Label {key}", help_text="For few", now=NOW)
        assert (await tiers.list_tiers(tx, OPERATOR))[-1] == added
        values = {"label": f"New {key}", "position": 0, "is_active": False}
        changed = await tiers.change_tier(tx, OPERATOR, key, values, now=NOW)
        assert changed == Tier(key, f"New {key}", "For few", 0, is_active=False)
        assert (await tiers.list_tiers(tx, OPERATOR))[0] == changed
        await tiers.change_tier(tx, OPERATOR, key, {"position": 99}, now=NOW)


async def test_keys_and_labels_are_unique_and_checked(database: Database) -> None:
    async with database.transaction() as tx:
        for key, label in (("gold", "Other"), (a_key(), "GOLD")):
            with pytest.raises(AlreadyExists):
                await tiers.add_tier(tx, OPERATOR, key, label, now=NOW)
        for key in ("", "Gold", "1st", "a b", "x" * 33):
            with pytest.raises(InvalidInput):
                await tiers.add_tier(tx, OPERATOR, key, "Label", now=NOW)
        with pytest.raises(NotFound):
            await tiers.change_tier(tx, OPERATOR, "nothing", {"label": "L"}, now=NOW)
    with pytest.raises(AlreadyExists):
        async with database.transaction() as tx:
            await tiers.change_tier(tx, OPERATOR, "silver", {"label": "gold"}, now=NOW)


async def test_there_are_at_most_fifty_tiers(database: Database) -> None:
    async with database.transaction() as tx:
        for _ in range(TIERS_MAX - len(await tiers.list_tiers(tx, OPERATOR))):
            key = a_key()
            await tiers.add_tier(tx, OPERATOR, key, key, now=NOW)
        with pytest.raises(Conflict, match=f"at most {TIERS_MAX}"):
            await tiers.add_tier(tx, OPERATOR, a_key(), "One more", now=NOW)
        await tx.write("delete from tier where key like 'k%'")


async def test_only_admins_of_the_provider_change_tiers(database: Database, fresh: Tenant) -> None:
    async with database.transaction() as tx:
        agent = await new_person(tx, role=Role.AGENT)
        assert (await tiers.get_tier(tx, agent, "gold")).label == "Gold"
        for actor in (agent, fresh.actor):
            with pytest.raises(Forbidden):
                await tiers.add_tier(tx, actor, a_key(), "L", now=NOW)
            with pytest.raises(Forbidden):
                await tiers.change_tier(tx, actor, "gold", {"label": "L"}, now=NOW)
        with pytest.raises(Forbidden):
            await tiers.list_tiers(tx, fresh.actor)
