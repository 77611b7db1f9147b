"""The statements of mailboxes and inbound mail use indexes, and sort nothing."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from clearline.identity import PROVIDER_ID
from clearline.mail.inbound import mailbox_store
from clearline.mail.inbound import store as inbound_mail_store
from clearline.mail.inbound.domain import InboundState
from clearline.platform.database.session import SESSION_SETTINGS
from clearline.platform.database.transactions import Tx
from tests.builders.databases import RecordingConnection, generic_plan_of, plan_of

FILL = """
    insert into mailbox (id, address, created_at)
    select gen_random_uuid(), 'box' || b || '@example.net', now() from generate_series(1, 2000) b;
    insert into inbound_mail (id, received_at, fingerprint, body_hash, envelope_from, envelope_to, sender, message_id,
                              size, raw, state, decided_at)
    select gen_random_uuid(), now() - m * interval '1 minute', sha256(m::text::bytea), sha256('x'), '', '',
           's' || m % 500 || '@example.com', '<m' || m || '@example.com>', 1, 'x',
           case when m % 100 = 0 then 'quarantined' when m % 1000 = 1 then 'waiting' else 'accepted' end,
           now() - m * interval '1 minute'
      from generate_series(1, 20000) m;
    update inbound_mail set company_id = '00000000-0000-4000-8000-000000000001',
           ticket_number = 1 + extract(epoch from received_at)::bigint % 500
     where state = 'accepted';
    insert into app_user (company_id, id, name, email, phone, created_at)
    select '00000000-0000-4000-8000-000000000001', gen_random_uuid(), 'User', 'u' || u || '@example.com', '', now()
      from generate_series(1, 4000) u;
    analyze
"""
NOW = datetime.now(UTC)
PLACE = (NOW - timedelta(days=3), UUID(int=5))
Read = Callable[[Tx], Awaitable[object]]
READS: dict[str, tuple[str, Read]] = {
    "mailboxes": ("mailbox_address", lambda tx: mailbox_store.page(tx, after=None, limit=51)),
    "mailboxes, next page": ("mailbox_address", lambda tx: mailbox_store.page(tx, after="box5@example.net", limit=51)),
    "a mailbox by its address": ("mailbox_address", lambda tx: mailbox_store.find(tx, ["box7@example.net"])),
    "mails": ("inbound_mail_newest", lambda tx: inbound_mail_store.page(tx, state=None, before=None, limit=51)),
    "mails, next page": (
        "inbound_mail_newest",
        lambda tx: inbound_mail_store.page(tx, state=None, before=PLACE, limit=51),
    ),
    "quarantined mails": (
        "inbound_mail_by_state",
        lambda tx: inbound_mail_store.page(tx, state=InboundState.QUARANTINED, before=None, limit=51),
    ),
    "quarantined mails, next page": (
        "inbound_mail_by_state",
        lambda tx: inbound_mail_store.page(tx, state=InboundState.QUARANTINED, before=PLACE, limit=51),
    ),
    "the mail that a ticket was raised with": (
        "inbound_mail_of_ticket",
        lambda tx: inbound_mail_store.id_of_description(tx, PROVIDER_ID, 5),
    ),
    "mails of a ticket": (
        "inbound_mail_of_ticket",
        lambda tx: inbound_mail_store.of_ticket(tx, PROVIDER_ID, 5, state=None, before=None, limit=51),
    ),
    "mails of a ticket before one": (
        "inbound_mail_of_ticket",
        lambda tx: inbound_mail_store.of_ticket(
            tx, PROVIDER_ID, 5, state=InboundState.ACCEPTED, before=PLACE, limit=51
        ),
    ),
    "mails of a sender": (
        "inbound_mail_of_sender",
        lambda tx: inbound_mail_store.count_from_sender(
            tx, "s5@example.com", since=NOW - timedelta(days=1), until=NOW, most=101
        ),
    ),
    "companies of a sender": (
        "inbound_mail_of_sender",
        lambda tx: inbound_mail_store.companies_of_sender(tx, "s5@example.com"),
    ),
    "users of an address": (
        "app_user_by_address",
        lambda tx: inbound_mail_store.users_with_address(tx, "u5@example.com"),
    ),
}


@pytest.fixture(scope="module")
async def filled(database_url: str) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(database_url, server_settings=SESSION_SETTINGS)
    await connection.execute(FILL)
    yield connection
    await connection.close()


@pytest.mark.parametrize("what", READS)
async def test_lists_are_read_along_their_index(filled: Any, what: str) -> None:
    index, read = READS[what]
    recording = RecordingConnection()
    await read(Tx(recording))
    assert await plan_of(filled, recording.statement, *recording.values) == ({index}, set())
    plan = await filled.fetchval(f"explain (format json) {recording.statement}", *recording.values)
    assert what in {"a mailbox by its address", "companies of a sender", "users of an address"} or "Sort" not in plan


async def test_the_mails_of_a_company_are_counted_along_indexes(filled: Any) -> None:
    recording = RecordingConnection()
    await inbound_mail_store.count_accepted(
        Tx(recording), PROVIDER_ID, since=NOW - timedelta(hours=1), until=NOW, most=500
    )
    indexes = {"inbound_mail_of_company", "app_user_by_address"}
    assert await plan_of(filled, recording.statement, *recording.values) == (indexes, set())


@pytest.mark.parametrize("what", ["mails", "quarantined mails"])
async def test_a_page_of_mails_begins_at_its_key_for_any_values(filled: Any, what: str) -> None:
    index, read = READS[what]
    recording = RecordingConnection()
    await read(Tx(recording))
    plan = await generic_plan_of(filled, recording.statement)
    assert f"using {index} on" in plan
    assert re.search(r"Index Cond: .*ROW\(received_at, id\) < ROW\(", plan)
    assert "Sort" not in plan


@pytest.mark.parametrize("after", [None, PLACE])
async def test_the_next_waiting_mail_is_found_by_its_index(filled: Any, after: tuple[datetime, UUID] | None) -> None:
    recording = RecordingConnection()
    await inbound_mail_store.claim_next(Tx(recording), after, until=NOW, now=NOW)
    plan = await filled.fetchval(f"explain (format json) {recording.statement}", *recording.values)
    generic = await generic_plan_of(filled, recording.statement)
    for text in (plan, generic):
        assert "inbound_mail_waiting" in text
        assert "Sort" not in text
    assert re.search(r"Index Cond: .*ROW\(received_at, id\) > ROW\(", generic)
