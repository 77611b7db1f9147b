"""Drafts are kept for their writer alone, and no words are dropped that somebody may still want."""

from datetime import timedelta
from typing import Any

import pytest

from clearline.drafts import usecases as drafts
from clearline.drafts.domain import DRAFT_MAX, DRAFTS_MAX, Draft
from clearline.errors import Forbidden, InvalidInput, NotFound, ScopeMissing
from clearline.identity import OPERATOR, Actor, Role
from clearline.limit_errors import TooManyDrafts
from clearline.platform.database.transactions import Database
from clearline.retention.domain import Kind
from clearline.tickets.domain import Status
from clearline.tickets.note_domain import Visibility
from tests.builders.jobs import purge_job
from tests.builders.people import NOW, Tenant, new_person, new_tenant
from tests.builders.tickets import raised


class Desk:
    """A ticket, and the agent who writes about it."""

    def __init__(self, database: Database, tenant: Tenant, number: int, actor: Actor) -> None:
        self.database, self.tenant, self.number, self.actor = database, tenant, number, actor

    async def save(self, text: str, writer: str = "laptop", *, minutes: int = 0, **values: Any) -> None:
        values = {"visibility": Visibility.PUBLIC, **values}
        now = NOW + timedelta(minutes=minutes)
        async with self.database.transaction() as tx:
            await drafts.save_draft(tx, self.actor, self.number, text, writer=writer, now=now, **values)

    async def drafts(self, actor: Actor | None = None) -> list[Draft]:
        async with self.database.transaction() as tx:
            return await drafts.list_drafts(tx, actor or self.actor, self.number)

    async def texts(self) -> list[str]:
        return [draft.text for draft in await self.drafts()]


@pytest.fixture
async def desk(database: Database) -> Desk:
    tenant = await new_tenant(database)
    async with database.transaction() as tx:
        number = await raised(tx, tenant, "Port is slow")
        return Desk(database, tenant, number, await new_person(tx))


async def colleague(desk: Desk, role: Role) -> Actor:
    async with desk.database.transaction() as tx:
        return await new_person(tx, "Mara Lind", role)


async def test_a_draft_is_replaced_by_what_the_same_form_says_later(desk: Desk) -> None:
    await desk.save("We")
    await desk.save("We look", minutes=1, then=Status.PENDING)
    later = NOW + timedelta(minutes=1)
    assert await desk.drafts() == [Draft(Visibility.PUBLIC, "laptop", "We look", Status.PENDING, later)]


async def test_a_reply_and_a_note_are_apart(desk: Desk) -> None:
    await desk.save("To the customer")
    await desk.save("Among us", visibility=Visibility.INTERNAL, minutes=1)
    assert [(draft.visibility, draft.text) for draft in await desk.drafts()] == [
        ("internal", "Among us"),
        ("public", "To the customer"),
    ]


async def test_another_device_that_began_with_a_draft_replaces_it(desk: Desk) -> None:
    await desk.save("We look")
    [draft] = await desk.drafts()
    await desk.save("We look at it", "phone", base=draft.version, minutes=1)
    assert await desk.texts() == ["We look at it"]


async def test_a_draft_that_was_changed_in_both_places_is_kept_twice_newest_first(desk: Desk) -> None:
    await desk.save("We look")
    [draft] = await desk.drafts()
    await desk.save("We look at port 7", minutes=1)
    await desk.save("We look at port 8", "phone", base=draft.version, minutes=2)
    assert await desk.texts() == ["We look at port 8", "We look at port 7"]
    await desk.save("We look at port 9", minutes=3)
    assert await desk.texts() == ["We look at port 9", "We look at port 8"]


async def test_the_same_words_from_two_places_are_one_draft(desk: Desk) -> None:
    await desk.save("We look")
    await desk.save("We look", "phone", minutes=1)
    assert [draft.writer for draft in await desk.drafts()] == ["phone"]


@pytest.mark.parametrize("blank", ["", " \n\t", "\u200b"])
async def test_a_draft_without_words_is_deleted_with_that_it_began_with(desk: Desk, blank: str) -> None:
    await desk.save("We look")
    [draft] = await desk.drafts()
    await desk.save("We look at it", "phone", base=draft.version)
    await desk.save(blank, "phone", base=draft.version)
    assert await desk.texts() == []


async def test_a_draft_is_discarded(desk: Desk) -> None:
    await desk.save("Of the laptop")
    await desk.save("Of the phone", "phone")
    async with desk.database.transaction() as tx:
        await drafts.discard_draft(tx, desk.actor, desk.number, Visibility.PUBLIC, "phone")
        await drafts.discard_draft(tx, desk.actor, desk.number, Visibility.INTERNAL, "laptop")
    assert await desk.texts() == ["Of the laptop"]


async def test_nobody_else_sees_or_changes_a_draft(desk: Desk) -> None:
    await desk.save("Not finished")
    for role in (Role.AGENT, Role.ADMIN):
        other = Desk(desk.database, desk.tenant, desk.number, await colleague(desk, role))
        assert await other.drafts() == []
        await other.save("Mine", "laptop")
        await other.save("", "laptop")
        async with desk.database.transaction() as tx:
            await drafts.discard_draft(tx, other.actor, desk.number, Visibility.PUBLIC, "laptop")
    for refused, error in (
        (OPERATOR, Forbidden),
        (desk.tenant.actor, Forbidden),
        (await colleague(desk, Role.VIEWER), ScopeMissing),
    ):
        other = Desk(desk.database, desk.tenant, desk.number, refused)
        with pytest.raises(error):
            await other.drafts()
        with pytest.raises(error):
            await other.save("Mine")
    assert await desk.texts() == ["Not finished"]


async def test_a_draft_is_about_a_ticket_that_is_there(desk: Desk) -> None:
    nowhere = Desk(desk.database, desk.tenant, 999_999_999, desk.actor)
    with pytest.raises(NotFound):
        await nowhere.save("We look")
    with pytest.raises(NotFound):
        await nowhere.drafts()


@pytest.mark.parametrize(
    ("text", "writer"),
    [("x" * (DRAFT_MAX + 1), "laptop"), ("a\x00b", "laptop"), ("We", ""), ("We", "x" * 65), ("We", "é")],
)
async def test_what_cannot_be_kept_is_refused(desk: Desk, text: str, writer: str) -> None:
    with pytest.raises(InvalidInput):
        await desk.save(text, writer)
    await desk.save("x" * DRAFT_MAX)


async def test_a_person_has_a_limited_number_of_drafts(desk: Desk) -> None:
    user = desk.actor.user
    assert user is not None
    async with desk.database.transaction() as tx:
        await tx.write(
            """insert into draft (company_id, user_id, ticket_number, visibility, writer, text, saved_at)
               select $1, $2, $3, 'public', 'w' || w, 'Text ' || w, $4 from generate_series(1, $5::int) w""",
            user.company_id, user.id, desk.number, NOW, DRAFTS_MAX - 1,
        )  # fmt: skip
    await desk.save("The last")
    await desk.save("The last, changed")
    with pytest.raises(TooManyDrafts):
        await desk.save("One more", "phone")
    assert len(await desk.drafts()) == DRAFTS_MAX


async def test_old_drafts_are_deleted(desk: Desk, database: Database) -> None:
    await desk.save("Old")
    await desk.save("New", "phone", minutes=2)
    purge = purge_job(database, Kind.DRAFTS, lambda: NOW + timedelta(days=30, minutes=1))
    assert await purge.run()
    assert await desk.texts() == ["New"]
