"""The statements of notifications use indexes, however many notifications, tickets and users there are."""

from datetime import UTC, datetime
from typing import Any

import pytest

from clearline.identity import PROVIDER_ID
from clearline.notifications import preference_store, recipient_store
from clearline.notifications import store as notification_store
from clearline.platform.database.transactions import Tx
from tests.builders.databases import RecordingConnection, plan_of

MORE = """
    insert into app_user (company_id, id, name, email, phone, created_at, role)
    select c.id, md5(c.id::text || u)::uuid, 'User', u || '@example.com', '', now(),
           case when is_provider then 'agent' else 'customer' end
      from company c, generate_series(1, 200) u;
    insert into notification_settings (company_id, user_id) select company_id, id from app_user where email like '1%';
    insert into ticket_watcher
    select t.company_id, t.number, u.company_id, u.id, now()
      from ticket t join app_user u on u.company_id = t.company_id and u.email in ('1@example.com', '2@example.com');
    insert into attachment
    select company_id, number, md5(company_id::text || number)::uuid, 'crc.txt', 'text/plain', 3, sha256('crc'),
           'public', 'buyer', 'Ada', null, now() from ticket where number % 3 = 0;
    insert into team select md5('team' || t)::uuid, 'Team ' || t, now() from generate_series(1, 200) t;
    insert into team_member
    select t.id, u.id from team t, app_user u where u.company_id = '00000000-0000-4000-8000-000000000001'
       and length(u.email) = 13;
    insert into queue (id, name, team_id, assignment, created_at)
    select md5('queue' || t)::uuid, 'Queue ' || t, md5('team' || t)::uuid, 'manual', now()
      from generate_series(1, 200) t;
    insert into notification (company_id, recipient, ticket_number, event_id, type, data, actor_name, at, channel,
                              due_at)
    select company_id, number % 997 || '@example.com', number, number, 'note.added', '{}', 'Ada', now(), 'email',
           timestamptz '2026-03-01' + number * interval '1 minute'
      from ticket;
    analyze
"""
NOW = datetime(2026, 3, 1, 1, tzinfo=UTC)
TABLES = {"ticket", "note", "app_user", "notification", "notification_settings", "ticket_watcher", "attachment",
          "team_member"}  # fmt: skip


@pytest.fixture(scope="module")
async def filled(filled: Any) -> Any:
    await filled.execute(MORE)
    return filled


async def test_due_notifications_are_read_along_their_index(filled: Any) -> None:
    assert await plan_of(filled, notification_store.DUE, NOW, 200) == ({"notification_due"}, set())
    assert "Sort" not in await filled.fetchval(f"explain (format json) {notification_store.DUE}", NOW, 200)


@pytest.mark.parametrize("after", [None, (NOW, "1@example.com", 5)])
async def test_a_page_of_pending_notifications_is_read_along_its_index(
    filled: Any, after: tuple[datetime, str, int] | None
) -> None:
    recording = RecordingConnection()
    await notification_store.pending(Tx(recording), after=after, limit=200)
    assert await plan_of(filled, recording.statement, *recording.values) == ({"notification_due"}, set())
    assert "Sort" not in await filled.fetchval(f"explain (format json) {recording.statement}", *recording.values)


async def test_the_notifications_of_a_mail_are_found_by_their_recipient(filled: Any) -> None:
    row = await filled.fetchrow("select recipient, company_id, ticket_number from notification offset 4321 limit 1")
    values = (row[0], datetime(2027, 1, 1, tzinfo=UTC), "email", None, row[1], row[2], PROVIDER_ID, 50)
    used, scanned = await plan_of(filled, notification_store.LOCK_DUE, *values)
    assert "notification_of_recipient" in used
    assert not scanned & TABLES


async def test_the_recipients_of_an_event_are_found_by_indexes(filled: Any) -> None:
    tickets = await filled.fetch("select company_id, number from ticket order by number offset 4321 limit 5")
    companies, numbers = [row[0] for row in tickets], [row[1] for row in tickets]
    for statement, index in (
        (recipient_store.TICKETS, "ticket_pkey"),
        (recipient_store.WATCHERS, "ticket_watcher_pkey"),
    ):
        used, scanned = await plan_of(filled, statement, companies, numbers)
        assert used & {index, "ticket_by_number"}
        assert not scanned & TABLES
    file = await filled.fetchrow("select company_id, id from attachment offset 321 limit 1")
    assert (await plan_of(filled, recipient_store.FILE_SOURCES, [file[0]], [file[1]]))[0] == {"attachment_by_id"}
    queue = await filled.fetchval("select id from queue offset 50 limit 1")
    assert await plan_of(filled, recipient_store.TEAM_MEMBERS, [queue]) == ({"queue_pkey", "team_member_pkey"}, set())
    users = await filled.fetch("select company_id, id from app_user offset 2000 limit 2")
    used, scanned = await plan_of(
        filled, recipient_store.USERS, [row[0] for row in users], [row[1] for row in users], companies[:1],
        ["7@example.com"], companies[:1], PROVIDER_ID,
    )  # fmt: skip
    assert used >= {"app_user_pkey", "app_user_email", "notification_settings_pkey"}
    assert not scanned & TABLES


async def test_the_preferences_of_a_user_are_found_by_the_primary_key(filled: Any) -> None:
    recording = RecordingConnection()
    await preference_store.get(Tx(recording), *await filled.fetchrow("select company_id, id from app_user limit 1"))
    assert await plan_of(filled, recording.statement, *recording.values) == ({"notification_settings_pkey"}, set())
