"""The reminder of a ticket on its page, in lists and for many tickets at once."""

from datetime import UTC, datetime, timedelta

import pytest

from clearline.identity import OPERATOR
from clearline.platform.database.transactions import Database
from clearline.platform.work.timer_store import Timer
from clearline.reminders.domain import KIND, Reminder, ReminderChange
from clearline.search import index_usecases
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets.domain import ticket_number
from clearline.tickets.reminders.usecases import fire
from clearline.web.once import new_key
from tests.builders.people import Tenant
from tests.builders.tickets import raised
from tests.builders.web.opened import Opened
from tests.builders.web.pages import Page

MINUTE = timedelta(minutes=1)


async def reminder_of(opened: Opened) -> Reminder | None:
    ticket, _notes = await opened.stored()
    return ticket.reminder


@pytest.mark.parametrize(
    ("choice", "after"), [("1h", 60), ("4h", 240), ("3d", 3 * 1440), ("7d", 7 * 1440)], ids=["1h", "4h", "3d", "7d"]
)
async def test_a_reminder_is_set_to_a_moment_that_is_offered(opened: Opened, choice: str, after: int) -> None:
    await opened.send("reminder", reminder=choice, reminder_reason=" Call the carrier ", reminder_answer="1")
    reminder = await reminder_of(opened)
    assert reminder is not None
    assert abs(reminder.at - datetime.now(UTC) - after * MINUTE) < MINUTE
    assert (reminder.reason, reminder.cancelled_by_answer, reminder.set_by) == ("Call the carrier", True, "Ines Duarte")
    page = await opened.page()
    assert "Call the carrier" in page.text
    assert "An answer cancels it" in page.text
    assert "Ines Duarte set a reminder for" in page.text


async def test_tomorrow_is_at_8_in_the_morning_of_the_person(opened: Opened) -> None:
    await opened.send("reminder", reminder="tomorrow 08:00", reminder_reason="")
    reminder = await reminder_of(opened)
    assert reminder is not None
    tomorrow = datetime.now(UTC).date() + timedelta(days=1)
    assert reminder.at == datetime(tomorrow.year, tomorrow.month, tomorrow.day, 8, tzinfo=UTC)


async def test_the_next_working_day_is_no_weekend(opened: Opened) -> None:
    await opened.send("reminder", reminder="next working day 08:00", reminder_reason="")
    reminder = await reminder_of(opened)
    assert reminder is not None
    ahead = reminder.at.date() - datetime.now(UTC).date()
    assert timedelta(days=1) <= ahead <= timedelta(days=3)
    assert (reminder.at.isoweekday() <= 5, reminder.at.hour) == (True, 8)


async def test_a_reminder_is_typed_changed_and_removed(opened: Opened) -> None:
    at = (datetime.now(UTC) + timedelta(days=9)).replace(second=0, microsecond=0)
    await opened.send("reminder", reminder="save", reminder_at=f"{at:%Y-%m-%dT%H:%M}", reminder_reason="Ask")
    reminder = await reminder_of(opened)
    assert reminder is not None
    assert (reminder.at, reminder.reason, reminder.cancelled_by_answer) == (at, "Ask", False)
    await opened.send("reminder", reminder="none")
    assert await reminder_of(opened) is None
    assert "Ines Duarte removed the reminder" in (await opened.page()).text


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        ({"reminder": "save", "reminder_at": ""}, "Reminder must have a day and a time."),
        ({"reminder": "save", "reminder_at": "yesterday"}, "Reminder must have a day and a time."),
        ({"reminder": "save", "reminder_at": "2020-01-01T08:00"}, "must lie in the future"),
        ({"reminder": "later"}, "Reminder must be one of those that are offered."),
        ({"reminder": "1h", "reminder_reason": "x" * 1001}, "must have at most 1000 characters"),
    ],
    ids=["nothing", "words", "past", "unknown", "long"],
)
async def test_a_wrong_reminder_is_refused(opened: Opened, fields: dict[str, str], shown: str) -> None:
    answer = await opened.send("reminder", 422, **fields)
    assert shown in answer.text
    assert await reminder_of(opened) is None


async def test_a_reminder_that_somebody_else_set_meanwhile_is_not_replaced(opened: Opened, database: Database) -> None:
    async with database.transaction() as tx:
        change = ReminderChange(datetime.now(UTC) + timedelta(days=1), "Mine")
        await ticket_changes.change_ticket(tx, OPERATOR, opened.number, {"reminder": change}, now=datetime.now(UTC))
    answer = await opened.send("reminder", 409, reminder="1h", shown="")
    assert "somebody changed the reminder" in answer.text
    reminder = await reminder_of(opened)
    assert reminder is not None
    assert reminder.reason == "Mine"


async def test_the_page_says_that_the_reminder_was_due(opened: Opened, database: Database) -> None:
    await opened.send("reminder", reminder="1h", reminder_reason="Call the carrier")
    ticket, _notes = await opened.stored()
    assert ticket.reminder is not None
    at = ticket.reminder.at
    async with database.transaction() as tx:
        await fire(tx, [Timer(ticket.company_id, KIND, ticket.number, at)], at)
    page = await opened.page()
    assert "The reminder of Ines Duarte is due: Call the carrier" in page.text


async def test_the_view_of_reminders_has_them_in_their_order(
    opened: Opened, database: Database, tenant: Tenant
) -> None:
    async with database.transaction() as tx:
        numbers = [await raised(tx, tenant) for _ in range(3)]
        for days, number in zip((3, 1), numbers, strict=False):
            change = ReminderChange(datetime.now(UTC) + timedelta(days=days), f"In {days} days")
            await ticket_changes.change_ticket(tx, OPERATOR, number, {"reminder": change}, now=datetime.now(UTC))
        await index_usecases.index_tickets(tx, [(tenant.company.id, number) for number in numbers])
    ours = [ticket_number(numbers[1]), ticket_number(numbers[0])]
    by_company = f"q=company:{tenant.company.code}"
    for query, expected in (
        ("", ours), ("sort=-reminder", ours[::-1]), (f"sort=reminder&{by_company}", ours), (by_company, ours),
        (f"{by_company} reminder:<2d", ours[:1]), (f"{by_company} -reminder:<2d", ours[1:]),
    ):  # fmt: skip
        page = await opened.agent.page(f"/console/reminders?{query}")
        rows = [row["id"] or "" for row in page.all("tr") if "id" in row]
        assert [number for number in rows if number in ours] == expected, query
        assert ticket_number(numbers[2]) not in rows


async def test_a_list_has_a_column_of_reminders(opened: Opened) -> None:
    await opened.send("reminder", reminder="3d", reminder_reason="Call the carrier")
    page = await opened.agent.page("/console/reminders?columns=number,reminder")
    ticket = await opened.ticket()
    assert ticket.reminder is not None
    titles = {tag["datetime"]: tag.get("title") or "" for tag in page.all("time")}
    assert titles[ticket.reminder.at.isoformat()].endswith(": Call the carrier")


async def test_many_tickets_get_a_reminder_at_once_and_lose_it_by_undo(
    opened: Opened, database: Database, tenant: Tenant
) -> None:
    async with database.transaction() as tx:
        other = await raised(tx, tenant)
    data = {
        "csrf": opened.agent.token_of_form(), "once": new_key(), "reminder": "4h", "reminder_reason": "Together",
        "ticket": [ticket_number(number) for number in (opened.number, other)],
    }  # fmt: skip
    path, headers = "/console/bulk?list=open", opened.agent.headers
    tried = await opened.agent.client.post(path, headers=headers, data={**data, "dry": "1"})
    assert "2 of 2 tickets would change." in Page(tried.text).text
    assert (await opened.ticket()).reminder is None
    done = Page((await opened.agent.client.post(path, headers=headers, data=data)).text)
    assert "2 tickets changed." in done.text
    reminder = (await opened.ticket()).reminder
    assert reminder is not None
    assert (reminder.reason, reminder.cancelled_by_answer) == ("Together", False)
    [change] = [field["value"] for field in done.all("input") if field.get("name") == "change"]
    await opened.agent.post("/console/bulk/undo?list=open", change=change or "")
    assert (await opened.ticket()).reminder is None
