"""The jobs of notifications: what happens when one fails or runs twice, and without a mail server."""

import asyncio
from datetime import timedelta

import pytest

from clearline.mail.outbound.domain import RateLimits
from clearline.mail.templates.blocks import TicketHeading
from clearline.mail.templates.rendering import MailContent, RenderedMail
from clearline.notifications.recipients import GROUPING_WINDOW
from clearline.notifications.worker import NAME, RETRY_DELAY, Composer, jobs
from clearline.platform.database.errors import StatementFailed
from clearline.settings.settings import Settings
from clearline.tickets.domain import ticket_number
from clearline.web import mail as templates
from tests.builders.jobs import kept
from tests.builders.mail.notification_rig import SETTINGS, NotificationRig
from tests.builders.tickets import raised

PER_ADDRESS = RateLimits().per_address


async def test_a_mail_that_cannot_be_committed_changes_nothing(rig: NotificationRig) -> None:
    number = await rig.transact(lambda tx: raised(tx, rig.tenant))
    await rig.record()
    rig.now += GROUPING_WINDOW
    async with rig.failing("delete on notification"):
        assert await rig.compose() == 1
    assert (await rig.take_sent(), await rig.pending_count()) == ([], 1)
    assert await rig.compose() == 0, "it is postponed"
    rig.now += RETRY_DELAY
    assert await rig.compose() == 1
    assert [mail.number for mail in await rig.take_sent()] == [number]
    assert await rig.pending_count() == 0


async def test_a_consumer_that_dies_before_it_stores_its_offset_notifies_nobody_twice(rig: NotificationRig) -> None:
    number = await rig.transact(lambda tx: raised(tx, rig.tenant))
    async with rig.failing("update on consumer"):
        for _ in range(2):
            with pytest.raises(StatementFailed):
                await rig.jobs[0].run()
            assert await rig.pending_count() == 0
    await rig.advance(GROUPING_WINDOW)
    assert [mail.number for mail in await rig.take_sent()] == [number]


async def test_concurrent_composers_write_each_mail_once(rig: NotificationRig) -> None:
    numbers = [await rig.transact(lambda tx: raised(tx, rig.tenant)) for _ in range(10)]
    await rig.record()
    rig.now += GROUPING_WINDOW
    await asyncio.gather(*(rig.compose() for _ in range(3)))
    assert sorted(mail.number or 0 for mail in await rig.take_sent()) == numbers
    assert await rig.pending_count() == 0


async def test_a_mail_that_cannot_be_composed_does_not_block_others(rig: NotificationRig) -> None:
    broken, sound = [await rig.transact(lambda tx: raised(tx, rig.tenant)) for _ in range(2)]

    def render(content: MailContent) -> RenderedMail:
        if any(isinstance(piece, TicketHeading) and piece.number == ticket_number(broken) for piece in content.pieces):
            raise RuntimeError("a fault")
        return templates.render(content)

    await rig.record()
    rig.now += GROUPING_WINDOW
    await Composer(rig.database, SETTINGS, render, lambda: rig.now, RateLimits()).turn()
    assert [mail.number for mail in await rig.take_sent()] == [sound]
    assert await rig.pending_count() == 1
    assert await rig.compose() == 0
    rig.now += RETRY_DELAY
    await rig.compose()
    assert [mail.number for mail in await rig.take_sent()] == [broken]


async def test_without_a_mail_server_nobody_is_notified_and_nothing_is_stored(rig: NotificationRig) -> None:
    await rig.transact(lambda tx: raised(tx, rig.tenant))
    [job] = jobs(rig.database, Settings(), templates.render, lambda: rig.now)
    while await job.run():
        pass
    await rig.advance(GROUPING_WINDOW)
    assert (await rig.take_sent(), await rig.pending_count()) == ([], 0)


@pytest.mark.parametrize("late", [timedelta(0), timedelta(minutes=1)])
async def test_notifications_are_sent_up_to_two_weeks_after_the_event(rig: NotificationRig, late: timedelta) -> None:
    await rig.transact(lambda tx: raised(tx, rig.tenant))
    await rig.advance(kept("notifications") - timedelta(seconds=1) + late)
    assert (len(await rig.take_sent()), await rig.pending_count()) == (0 if late else 1, 0)


def test_the_consumer_has_the_name_in_the_migration() -> None:
    assert NAME == "notifications"
