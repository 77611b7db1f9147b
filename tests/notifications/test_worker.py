"""From what happened to the mail that tells of it: the follower, the composer and the rows between them, for real."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, time, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from hashlib import sha256
from typing import Any, NamedTuple
from uuid import uuid4

import pytest

from clearline.accounts import usecases as accounts
from clearline.events.event_types import NotificationKind
from clearline.identity import OPERATOR, PROVIDER_ID, Actor, Role
from clearline.mail.outbound.domain import MOST_AN_HOUR, Rendered
from clearline.notifications import preferences as notifications
from clearline.notifications.compose import STALE
from clearline.notifications.domain import Way
from clearline.notifications.recipients import WINDOW
from clearline.notifications.worker import NAME, PUT_OFF, Composer, notifying
from clearline.platform.database.transactions import Database, Tx
from clearline.settings import Settings
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets import note_usecases as notes
from clearline.tickets import usecases as tickets
from clearline.tickets.attachments import store as attachment_store
from clearline.tickets.attachments.domain import Attachment
from clearline.tickets.domain import Channel, Status, ticket_number
from clearline.tickets.links import watcher_usecases as watchers
from clearline.tickets.note_domain import Source, Visibility
from clearline.web import mail as templates
from tests.builders.databases import Undone, administer, undo
from tests.builders.people import id_of, new_person
from tests.builders.tickets import a_new_ticket, raised
from tests.conftest import NOW, Tenant, new_tenant

SETTINGS = Settings(
    smtp="smtp://127.0.0.1:25", mail_from="Support <support@example.net>", mail_listen="smtp://127.0.0.1:25"
)
CONTACT = "ada@example.com"


class Sent(NamedTuple):
    """A mail that was written, as far as tests look at it."""

    to: str
    kind: str
    number: int | None
    subject: str
    text: str
    html: str


class World:
    """A desk whose clock stands still until a test moves it."""

    def __init__(self, database: Database, tenant: Tenant, url: str) -> None:
        self.database, self.tenant, self.url = database, tenant, url
        self.now = NOW
        self.jobs = notifying(database, SETTINGS, templates.render, lambda: self.now)

    async def follow(self) -> None:
        """Have who hears of what noted."""
        while await self.jobs[0].run():
            pass

    async def compose(self) -> int:
        """Have what is due made into mail."""
        return await self.jobs[1].run()

    async def later(self, span: timedelta) -> int:
        """Note who hears, let time pass, and make the mail that is due then."""
        await self.follow()
        self.now += span
        return await self.compose()

    async def do(self, work: Callable[[Tx], Awaitable[Any]]) -> Any:
        """Something in a transaction."""
        async with self.database.transaction() as tx:
            return await work(tx)

    async def sent(self) -> list[Sent]:
        """Every mail that was written since the last time that somebody asked, in its order."""
        async with self.database.transaction() as tx:
            rows = await tx.fetch("select recipient, kind, ticket_number, message from outbound_mail order by number")
            await tx.write("delete from outbound_mail")
        return [Sent(row[0], row[1], row[2], *_parts(row[3])) for row in rows]

    async def waiting(self) -> int:
        async with self.database.statement() as tx:
            found: int = await tx.fetchval("select count(*) from notification")
            return found


def _parts(raw: bytes) -> tuple[str, str, str]:
    message = message_from_bytes(raw, policy=policy.default)
    assert isinstance(message, EmailMessage)
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    assert text is not None
    assert html is not None
    return str(message["Subject"]), str(text.get_content()), str(html.get_content())


@pytest.fixture
async def world(database: Database, database_url: str) -> World:
    tenant = await new_tenant(database)
    found = World(database, tenant, database_url)
    await found.follow()
    await administer(database_url, "delete from notification; delete from outbound_mail")
    return found


def note(
    number: int, text: str, by: Actor, visibility: Visibility = Visibility.PUBLIC, at: datetime = NOW
) -> Callable[[Tx], Awaitable[Any]]:
    return lambda tx: notes.add_note(tx, by, number, text, channel=Channel.API, visibility=visibility, now=at)


async def a_follower(tx: Tx, number: int, role: Role, company: str = "PROVIDER", **values: Any) -> Actor:
    found = await new_person(tx, role=role, company=company)
    await watchers.watch(tx, OPERATOR, number, id_of(found), now=NOW)
    if values:
        assert found.user is not None
        await notifications.change_settings(tx, OPERATOR, found.user.company_id, found.user.id, values, now=NOW)
    return found


def address(actor: Actor) -> str:
    assert actor.user is not None
    return actor.user.email


async def test_what_happens_to_a_ticket_within_half_a_minute_makes_one_mail(world: World) -> None:
    number = await world.do(lambda tx: raised(tx, world.tenant))
    await world.follow()
    world.now += timedelta(seconds=20)
    await world.do(note(number, "We are looking at it.", OPERATOR))
    await world.do(lambda tx: ticket_changes.move_ticket(tx, OPERATOR, number, Status.IN_PROGRESS, reason="", now=NOW))
    await world.follow()
    assert await world.compose() == 0
    assert await world.later(timedelta(seconds=10)) == 1
    [mail] = await world.sent()
    assert mail[:4] == (CONTACT, "notification", number, f"[{ticket_number(number)}] Port is slow")
    for words in (
        "Raised the ticket.",
        "We are looking at it.",
        "Changed the status from acknowledged to in progress.",
    ):
        assert words in mail.text
        assert words in mail.html
    assert await world.waiting() == 0
    assert await world.compose() == 0
    await world.do(note(number, "Mended.", OPERATOR))
    assert await world.later(WINDOW) == 1
    [mail] = await world.sent()
    assert "Mended." in mail.text
    assert "We are looking" not in mail.text


async def test_tickets_and_people_have_mails_of_their_own(world: World) -> None:
    async def work(tx: Tx) -> list[int]:
        numbers = [await raised(tx, world.tenant) for _ in range(2)]
        for number in numbers:
            await a_follower(tx, number, Role.AGENT)
        return numbers

    numbers = await world.do(work)
    for number in numbers:
        await world.do(note(number, f"About {number}", OPERATOR))
    await world.later(WINDOW)
    found = await world.sent()
    assert sorted(one.number or 0 for one in found) == sorted([*numbers, *numbers])
    assert all(f"About {one.number}" in one.text for one in found)
    assert len({one.to for one in found}) == 3


async def test_a_receipt_gives_the_number(world: World) -> None:
    async def work(tx: Tx) -> int:
        new = a_new_ticket()
        made = await tickets.create_ticket(tx, OPERATOR, new, company_id=world.tenant.company.id, now=NOW)
        return made.ticket.number

    number = await world.do(work)
    await world.later(WINDOW)
    [mail] = await world.sent()
    assert f"We have received the ticket. Its number is {ticket_number(number)}." in mail.text
    assert "because a ticket names you as its contact" in " ".join(mail.text.split())


SECRET = "the-internal-words"


async def test_what_is_internal_is_in_no_mail_to_a_customer_though_it_waits_in_the_same_row(world: World) -> None:
    """Even where somebody forged what waits, the text is only read for those who may know it."""

    async def work(tx: Tx) -> tuple[int, Actor, Actor]:
        number = await raised(tx, world.tenant)
        customer = await a_follower(tx, number, Role.CUSTOMER_ADMIN, world.tenant.company.code)
        agent = await a_follower(tx, number, Role.AGENT)
        return number, customer, agent

    number, customer, agent = await world.do(work)
    await world.do(note(number, SECRET, OPERATOR, Visibility.INTERNAL))
    await world.do(note(number, "for all", OPERATOR))
    await world.follow()

    async def forge(tx: Tx) -> None:
        for recipient, company_id, user_id in (
            (address(customer), world.tenant.company.id, id_of(customer)),
            (CONTACT, None, None),
        ):
            for kind, data in (
                ("note.added", '{"visibility": "internal", "source": "seller"}'),
                ("note.added", '{"visibility": "public", "source": "seller"}'),
                ("ticket.assigned", '{"before": null, "after": null, "by": "manual"}'),
                ("attachment.added", f'{{"visibility": "public", "id": "{file_id}", "size": 3}}'),
            ):
                await tx.write(
                    """insert into notification (company_id, recipient, user_company_id, user_id, ticket_number,
                           note_number, event_id, type, data, actor_name, at, channel, due_at)
                       select $1, $2, $3, $4, $5, (select number from note where text = $6 and ticket_number = $5),
                              -nextval('ticket_number'), $7, $8::jsonb, 'Forged', $9, 'email', $9""",
                    world.tenant.company.id, recipient, company_id, user_id, number, SECRET, kind, data, NOW,
                )  # fmt: skip

    file_id = uuid4()
    hidden = Attachment(
        world.tenant.company.id, number, file_id, f"{SECRET}.txt", "text/plain", 3, sha256(b"x").digest(),
        Visibility.INTERNAL, Source.SELLER, "Mara", None, NOW,
    )  # fmt: skip
    await world.do(lambda tx: attachment_store.insert(tx, hidden))
    await world.follow()
    await world.do(forge)
    await world.later(WINDOW)
    found = await world.sent()
    assert {one.to for one in found} == {CONTACT, address(customer), address(agent)}
    for one in found:
        says = SECRET in one.text, SECRET in one.html, "for all" in one.text
        assert says == ((True, True, True) if one.to == address(agent) else (False, False, True))
        assert ("(internal)" in one.text) == (one.to == address(agent))
        assert "agent" not in one.text.lower() or one.to == address(agent)
    assert await world.waiting() == 0


async def test_a_digest_tells_everything_of_a_person_at_its_time(world: World) -> None:
    rules = {NotificationKind.PROVIDER_NOTE: Way.DIGEST, NotificationKind.CUSTOMER_NOTE: Way.DIGEST}

    async def work(tx: Tx) -> tuple[list[int], Actor]:
        numbers = [await raised(tx, world.tenant, f"Ticket {place}") for place in range(3)]
        reader = await a_follower(
            tx, numbers[0], Role.AGENT, rules=rules, digest_at=time(18), time_zone="Europe/Amsterdam"
        )
        for number in numbers[1:]:
            await watchers.watch(tx, OPERATOR, number, id_of(reader), now=NOW)
        return numbers, reader

    numbers, reader = await world.do(work)
    await notifications_off_for_contacts(world)
    for number in numbers:
        await world.do(note(number, f"From the provider on {number}", OPERATOR))
        await world.do(note(number, f"From the customer on {number}", world.tenant.actor))
    await world.do(note(numbers[0], "x" * 400, OPERATOR))
    await world.later(timedelta(hours=4))  # 16:00 UTC is 17:00 there
    assert await world.sent() == []
    await world.later(timedelta(hours=1))
    [mail] = await world.sent()
    assert (mail.to, mail.kind, mail.number, mail.subject) == (
        address(reader), "digest", None, "7 updates to 3 tickets",
    )  # fmt: skip
    for place, number in enumerate(numbers):
        for words in (
            f"Ticket {place}",
            ticket_number(number),
            f"From the provider on {number}",
            "1 Mar 2026 13:00 CET",
        ):
            assert words in mail.text
            assert words in mail.html
    assert "x" * 297 + "..." in mail.html
    assert "x" * 298 not in mail.html
    assert await world.waiting() == 0


async def notifications_off_for_contacts(world: World) -> None:
    company_id = world.tenant.company.id
    await world.do(lambda tx: notifications.change_contacts(tx, OPERATOR, company_id, mails=False, now=NOW))


async def test_mail_that_cannot_be_committed_leaves_everything_as_it_was(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = await world.do(lambda tx: raised(tx, world.tenant))
    await world.follow()
    world.now += WINDOW
    monkeypatch.setattr("clearline.notifications.store.delete", lambda *_: undo())
    assert await world.compose() == 1
    assert (await world.sent(), await world.waiting()) == ([], 1)
    monkeypatch.undo()
    assert await world.compose() == 0, "it is put off"
    world.now += PUT_OFF
    assert await world.compose() == 1
    assert [one.number for one in await world.sent()] == [number]
    assert await world.waiting() == 0


async def test_a_follower_that_dies_before_it_noted_its_place_tells_nothing_twice(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = await world.do(lambda tx: raised(tx, world.tenant))
    monkeypatch.setattr("clearline.events.offset_store.advance", lambda *_: undo())
    for _ in range(2):
        with pytest.raises(Undone):
            await world.jobs[0].run()
        assert await world.waiting() == 0
    monkeypatch.undo()
    await world.later(WINDOW)
    assert [one.number for one in await world.sent()] == [number]


async def test_two_composers_at_once_make_one_mail(world: World) -> None:
    numbers = [await world.do(lambda tx: raised(tx, world.tenant)) for _ in range(10)]
    await world.follow()
    world.now += WINDOW
    await asyncio.gather(*(world.compose() for _ in range(3)))
    assert sorted(one.number or 0 for one in await world.sent()) == numbers
    assert await world.waiting() == 0


async def test_a_mail_that_cannot_be_made_stops_no_other(world: World) -> None:
    broken, sound = [await world.do(lambda tx: raised(tx, world.tenant)) for _ in range(2)]

    def render(name: str, **values: object) -> Rendered:
        if values["number"] == ticket_number(broken):
            raise RuntimeError("a fault")
        return templates.render(name, **values)

    await world.follow()
    world.now += WINDOW
    await Composer(world.database, SETTINGS, render, lambda: world.now).turn()
    assert [one.number for one in await world.sent()] == [sound]
    assert await world.waiting() == 1
    assert await world.compose() == 0
    world.now += PUT_OFF
    await world.compose()
    assert [one.number for one in await world.sent()] == [broken]


async def test_an_address_that_had_sixty_mails_within_an_hour_gets_the_rest_in_a_digest(world: World) -> None:
    numbers = [await world.do(lambda tx: raised(tx, world.tenant)) for _ in range(MOST_AN_HOUR + 5)]
    await world.follow()
    world.now += WINDOW
    await world.compose()
    async with world.database.statement() as tx:
        assert await tx.fetchval("select count(*) from outbound_mail") == MOST_AN_HOUR
        assert await tx.fetchval("select count(*) from notification where channel = 'digest'") == 5
    await world.do(note(numbers[0], "And another thing", OPERATOR))
    await world.later(timedelta(minutes=1))
    async with world.database.statement() as tx:
        assert await tx.fetchval("select count(*) from outbound_mail") == MOST_AN_HOUR
    await world.sent()
    world.now += timedelta(hours=1)
    await world.compose()
    [mail] = await world.sent()
    assert (mail.to, mail.kind, mail.subject) == (CONTACT, "digest", "6 updates to 6 tickets")
    assert "And another thing" in mail.text
    assert await world.waiting() == 0


async def test_a_contact_of_two_companies_gets_a_digest_of_each(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clearline.notifications.compose.MOST_AN_HOUR", 0)
    other = await new_tenant(world.database)
    own = await world.do(lambda tx: raised(tx, world.tenant))
    foreign = await world.do(lambda tx: raised(tx, other))
    await world.later(WINDOW)
    assert await world.sent() == []
    await world.later(timedelta(hours=1))
    found = await world.sent()
    assert [(one.to, one.kind) for one in found] == [(CONTACT, "digest")] * 2
    assert sorted((ticket_number(own) in one.text, ticket_number(foreign) in one.text) for one in found) == [
        (False, True), (True, False),
    ]  # fmt: skip


@pytest.mark.parametrize("change", ["inactive", "contacts off"])
async def test_who_is_to_be_told_no_more_when_the_mail_is_made_is_not(world: World, change: str) -> None:
    async def work(tx: Tx) -> tuple[int, Actor]:
        number = await raised(tx, world.tenant)
        return number, await a_follower(tx, number, Role.AGENT)

    number, agent = await world.do(work)
    await world.do(note(number, "News", OPERATOR))
    await world.follow()
    if change == "inactive":
        await world.do(
            lambda tx: accounts.change_user(tx, OPERATOR, PROVIDER_ID, id_of(agent), {"is_active": False}, now=NOW)
        )
    else:
        await notifications_off_for_contacts(world)
    await world.later(WINDOW)
    assert {one.to for one in await world.sent()} == ({CONTACT} if change == "inactive" else {address(agent)})
    assert await world.waiting() == 0


async def test_an_agent_reads_who_has_the_ticket_and_a_customer_does_not(world: World) -> None:
    async def work(tx: Tx) -> tuple[int, Actor]:
        agent = await new_person(tx, "Jonas Pihl")
        number = await raised(tx, world.tenant)
        await ticket_changes.assign(tx, OPERATOR, number, id_of(agent), now=NOW)
        return number, agent

    _number, agent = await world.do(work)
    await world.later(WINDOW)
    by = {one.to: one for one in await world.sent()}
    assert "Assigned the ticket to you." in by[address(agent)].text
    assert "Assigned to you" in by[address(agent)].text
    assert "Jonas" not in by[CONTACT].text


async def test_without_a_server_to_send_by_nobody_is_told_and_nothing_is_kept(world: World) -> None:
    await world.do(lambda tx: raised(tx, world.tenant))
    [job] = notifying(world.database, Settings(), templates.render, lambda: world.now)
    while await job.run():
        pass
    await world.later(WINDOW)
    assert (await world.sent(), await world.waiting()) == ([], 0)


@pytest.mark.parametrize("late", [timedelta(0), timedelta(minutes=1)])
async def test_what_waited_while_the_desk_did_not_run_is_told_for_two_weeks(world: World, late: timedelta) -> None:
    await world.do(lambda tx: raised(tx, world.tenant))
    await world.later(STALE - timedelta(seconds=1) + late)
    assert (len(await world.sent()), await world.waiting()) == (0 if late else 1, 0)


def test_the_follower_has_a_name_that_the_migration_knows() -> None:
    assert NAME == "notifications"
