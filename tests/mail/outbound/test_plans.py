"""The statements of outbound mail use their indexes."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from clearline.clock import now
from clearline.mail.outbound import opt_out_store, suppression_store, thread_store
from clearline.mail.outbound import store as outbound_mail_store
from clearline.mail.outbound.domain import MailState
from clearline.mail.outbound.opt_out_domain import OptOut
from clearline.platform.database.session import SESSION_SETTINGS
from clearline.platform.database.transactions import Tx
from tests.builders.databases import RecordingConnection, generic_plan_of, plan_of

FILL = """
    insert into company
    select md5('company' || c)::uuid, 'Company ' || c, 'C' || c, now() from generate_series(1, 20) c;
    insert into ticket (company_id, number, title, description, issue_type, service_type, service_id, severity, impact,
                        priority, status, contact_name, contact_phone, contact_email, channel, created_at, updated_at,
                        status_changed_at)
    select md5('company' || t % 20 + 1)::uuid, t, 'Title', 'Text', 'Others', 'Port', 'SVC-1', 'minor', 'degraded',
           'low', 'closed', 'User', '', 'user@example.com', 'API', now(), now(), now() from generate_series(1, 400) t;
    insert into outbound_mail (company_id, id, recipient, subject, kind, ticket_number, message_id, message, state,
                               due_at, created_at, finished_at)
    select md5('company' || (m % 400 + 1) % 20 + 1)::uuid, md5('mail' || m)::uuid,
           'person' || m % 500 || '@example.com',
           'Subject', 'notification', m % 400 + 1, '<' || m || '@example.net>', 'message',
           case when m % 50 = 0 then 'waiting' when m % 40 = 0 then 'dead' else 'sent' end,
           now() + m * interval '1 second', now() - m * interval '5 minutes', now() - m * interval '5 minutes'
      from generate_series(1, 10000) m;
    insert into mail_reference
    select company_id, ticket_number, message_id, case when random() < 0.2 then '' else lower(recipient) end, created_at
      from outbound_mail;
    insert into mail_suppression select 'person' || s || '@example.org', 'manual', '', now()
      from generate_series(1, 4000) s;
    insert into mail_opt_out (company_id, recipient, topic, created_at)
    select md5('company' || o % 20 + 1)::uuid, 'person' || o % 500 || '@example.com', 'ticket ' || o,
           now() - o * interval '5 minutes' from generate_series(1, 4000) o;
    analyze
"""
COMPANY = UUID("9a0fe8ae-8dcc-bf8c-87e3-03b6fb8f5e4d")
NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
KEY = re.compile(r"Index Cond: .*(ROW\(.* < ROW\(|address > )")
Statement = Callable[[Tx], Awaitable[object]]
LATER = now() + timedelta(days=90)
NEXT = (now() - timedelta(days=1), COMPANY)


LISTS: dict[str, tuple[set[str], Statement]] = {
    "newest": ({"outbound_mail_newest"}, lambda tx: outbound_mail_store.page(tx, state=None, before=None, limit=51)),
    "newest, next page": (
        {"outbound_mail_newest"},
        lambda tx: outbound_mail_store.page(tx, state=None, before=NEXT, limit=51),
    ),
    "dead": (
        {"outbound_mail_by_state"},
        lambda tx: outbound_mail_store.page(tx, state=MailState.DEAD, before=None, limit=51),
    ),
    "dead, next page": (
        {"outbound_mail_by_state"},
        lambda tx: outbound_mail_store.page(tx, state=MailState.DEAD, before=NEXT, limit=51),
    ),
    "of a ticket": (
        {"outbound_mail_of_ticket"},
        lambda tx: outbound_mail_store.of_ticket(tx, COMPANY, 20, state=None, before=None, limit=51),
    ),
    "of a ticket, next page": (
        {"outbound_mail_of_ticket"},
        lambda tx: outbound_mail_store.of_ticket(tx, COMPANY, 20, state=None, before=NEXT, limit=51),
    ),
    "sent of a ticket": (
        {"outbound_mail_of_ticket"},
        lambda tx: outbound_mail_store.of_ticket(tx, COMPANY, 20, state=MailState.SENT, before=None, limit=51),
    ),
    "dead of a ticket, next page": (
        {"outbound_mail_of_ticket"},
        lambda tx: outbound_mail_store.of_ticket(tx, COMPANY, 20, state=MailState.DEAD, before=NEXT, limit=51),
    ),
    "suppressions": ({"mail_suppression_pkey"}, lambda tx: suppression_store.page(tx, after=None, limit=51)),
    "suppressions, next page": ({"mail_suppression_pkey"}, lambda tx: suppression_store.page(tx, after="p", limit=51)),
}
OPT_OUTS: dict[str, tuple[set[str], Statement]] = {
    "opt-outs": (
        {"mail_opt_out_newest"},
        lambda tx: opt_out_store.page(tx, recipient=None, before=None, limit=51),
    ),
    "opt-outs, next page": (
        {"mail_opt_out_newest"},
        lambda tx: opt_out_store.page(tx, recipient=None, before=NEXT, limit=51),
    ),
    "opt-outs of an address": (
        {"mail_opt_out_of_recipient"},
        lambda tx: opt_out_store.page(tx, recipient="Person1@example.com", before=None, limit=51),
    ),
    "opt-outs of an address, next page": (
        {"mail_opt_out_of_recipient"},
        lambda tx: opt_out_store.page(tx, recipient="Person1@example.com", before=NEXT, limit=51),
    ),
}
"""Lists with the companies of their rows."""

STATEMENTS: dict[str, tuple[set[str], Statement]] = {
    "by id": ({"outbound_mail_pkey"}, lambda tx: outbound_mail_store.get(tx, COMPANY)),
    "by id, locked": ({"outbound_mail_pkey"}, lambda tx: outbound_mail_store.lock(tx, COMPANY)),
    "by Message-ID": (
        {"outbound_mail_by_message"},
        lambda tx: outbound_mail_store.with_message_id(tx, "<1@example.net>"),
    ),
    "mails that a reply refers to": (
        {"outbound_mail_by_message"},
        lambda tx: outbound_mail_store.messages_about(tx, COMPANY, 20, ["<1@example.net>", "<2@x>"], limit=5),
    ),
    "fuse": (
        {"outbound_mail_of_recipient"},
        lambda tx: outbound_mail_store.recent_count(
            tx, "Person1@example.com", "notification", since=NEW_YEAR, until=LATER
        ),
    ),
    "fuse of contacts": (
        {"outbound_mail_to_contacts"},
        lambda tx: outbound_mail_store.contacts_count(
            tx, COMPANY, since=now() - timedelta(hours=1), until=now() + timedelta(minutes=1)
        ),
    ),
    "thread": (
        {"mail_reference_in_order"},
        lambda tx: thread_store.thread(tx, COMPANY, 20, "person1@example.com", first=3, last=7),
    ),
    "references": ({"mail_reference_by_id"}, lambda tx: thread_store.find(tx, ["<1@example.net>", "<2@x>"])),
    "opt-outs by id": (
        {"mail_opt_out_by_id"},
        lambda tx: opt_out_store.ids_between(tx, COMPANY, COMPANY, limit=10),
    ),
    "opt-out": (
        {"mail_opt_out_pkey"},
        lambda tx: opt_out_store.exists(tx, OptOut(COMPANY, "person1@example.com", "ticket 1")),
    ),
    "suppression": ({"mail_suppression_pkey"}, lambda tx: suppression_store.get(tx, "person1@example.org")),
    "claim": (
        {"outbound_mail_waiting", "outbound_mail_in_order", "mail_suppression_pkey"},
        lambda tx: outbound_mail_store.claim(tx, limit=40, until=NEW_YEAR, now=NEW_YEAR),
    ),
    "put off": (
        {"outbound_mail_pkey", "outbound_mail_in_order"},
        lambda tx: outbound_mail_store.schedule_retry(
            tx,
            outbound_mail_store.ClaimedMail(COMPANY, COMPANY, "person1@example.com", 20, 0, b"", None),
            "451",
            due_at=LATER,
        ),
    ),
    "purge": (
        {"outbound_mail_finished", "outbound_mail_pkey"},
        lambda tx: outbound_mail_store.purge(tx, before=NEW_YEAR, limit=100),
    ),
}


@pytest.fixture(scope="module")
async def filled(database_url: str) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(database_url, server_settings=SESSION_SETTINGS)
    await connection.execute(FILL)
    yield connection
    await connection.close()


async def _plan(filled: Any, run: Statement) -> tuple[tuple[set[str], set[str]], str]:
    recording = RecordingConnection()
    await run(Tx(recording))
    company = await filled.fetchval("select company_id from ticket where number = 20")
    values = [company if value == COMPANY else value for value in recording.values]
    text: str = await filled.fetchval(f"explain (format json) {recording.statement}", *values)
    used, scanned = await plan_of(filled, recording.statement, *values)
    # An id names one row, whichever index finds it.
    return ({"outbound_mail_pkey" if index == "outbound_mail_by_id" else index for index in used}, scanned), text


@pytest.mark.parametrize("what", LISTS)
async def test_a_page_of_a_list_is_read_along_its_index(filled: Any, what: str) -> None:
    indexes, run = LISTS[what]
    plan, text = await _plan(filled, run)
    assert plan == (indexes, set())
    assert "Sort" not in text


@pytest.mark.parametrize("what", LISTS)
async def test_a_page_begins_at_its_key_for_any_values(filled: Any, what: str) -> None:
    [index], run = LISTS[what]
    recording = RecordingConnection()
    await run(Tx(recording))
    plan = await generic_plan_of(filled, recording.statement)
    assert f"using {index} on" in plan
    assert KEY.search(plan)
    assert "Sort" not in plan


@pytest.mark.parametrize("what", STATEMENTS)
async def test_a_statement_scans_no_table_sequentially(filled: Any, what: str) -> None:
    indexes, run = STATEMENTS[what]
    plan, _text = await _plan(filled, run)
    assert plan == (indexes, set())


@pytest.mark.parametrize("what", OPT_OUTS)
async def test_a_page_of_opt_outs_is_read_along_its_index_for_any_values(filled: Any, what: str) -> None:
    [index], run = OPT_OUTS[what]
    (used, scanned), text = await _plan(filled, run)
    assert index in used
    assert "mail_opt_out" not in scanned
    assert "Sort" not in text
    recording = RecordingConnection()
    await run(Tx(recording))
    plan = await generic_plan_of(filled, recording.statement)
    assert f"using {index} on" in plan
    assert KEY.search(plan)
    assert "Sort" not in plan
