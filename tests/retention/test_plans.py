"""Every batch, and what is shown of a kind, reads one end of an index and no whole table."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from clearline.clock import now
from clearline.platform.database.transactions import Tx
from clearline.retention.domain import Kind
from clearline.retention.store import DUE, OLDEST
from clearline.retention.worker import PURGES
from tests.builders.databases import MANY_ROWS, RecordingConnection, filled_with, plan_of

_ROWS = """
    insert into idempotency_key (company_id, api_key_id, route, key, fingerprint, status, body,
                                 created_at)
    select id, id, 'POST', n::text, '', 201, '', now() - n * interval '10 minutes'
      from company, generate_series(1, 1000) n where code like 'C%';
    insert into draft (company_id, user_id, ticket_number, visibility, writer, text, saved_at)
    select u.company_id, u.id, n, 'public', 'w', 'x', now() - n * interval '20 minutes'
      from app_user u, generate_series(1, 500) n;
    insert into undone_assignment
    select u.company_id, u.id, n, now() - n * interval '20 minutes' from app_user u, generate_series(1, 500) n;
    insert into held_file
    select company_id, number, gen_random_uuid(), gen_random_uuid(), null, 'a', 'text/plain', 1, '',
           now() - number * interval '1 minute' from ticket;
    insert into job (company_id, id, kind, state, request, dry_run, total, user_id, actor_name, scopes, created_at,
                     finished_at)
    select company_id, md5('job' || j || company_id)::uuid, 'bulk', 'done', '{}', false, 20, id, 'User', '{}',
           now() - j * interval '50 minutes', now() - j * interval '50 minutes'
      from app_user, generate_series(1, 200) j;
    insert into job_item (company_id, job_id, position, input, outcome)
    select company_id, id, i, '{}', 'done' from job, generate_series(0, 19) i;
    insert into subscription (company_id, id, url, created_at, updated_at)
    select id, id, 'https://hooks.example.com/', now(), now() from company;
    insert into delivery (company_id, subscription_id, id, event_id, type, ticket_number, body, state, created_at,
                          finished_at)
    select company_id, id, gen_random_uuid(), n, 'note.added', n, 'x', 'delivered', now(),
           now() - n * interval '10 minutes' from subscription, generate_series(1, 1000) n;
    insert into delivery_attempt (company_id, subscription_id, delivery_number, number, at, milliseconds)
    select company_id, subscription_id, number, 1, now(), 1 from delivery;
    insert into outbound_mail (company_id, id, recipient, subject, kind, ticket_number, message_id, message, state,
                               due_at, created_at, finished_at)
    select company_id, gen_random_uuid(), 'a@example.com', 'x', 'notification', number,
           '<' || number || '@example.net>', 'x', 'sent', now(), now(), now() - number * interval '1 minute'
      from ticket;
    insert into inbound_mail (id, received_at, fingerprint, body_hash, envelope_from, envelope_to, sender, message_id,
                              size, raw, state, decided_at)
    select gen_random_uuid(), now(), sha256(m::text::bytea), sha256('x'), '', '', 's@example.com', m::text, 1, 'x',
           'quarantined', now() - m * interval '30 seconds'
      from generate_series(1, 20000) m;
    insert into event (company_id, at, type, ticket_number, actor_name, data)
    select company_id, now() - number * interval '1 minute', 'ticket.created', number, 'User', '{}' from ticket;
    insert into event (company_id, at, type, actor_name, data)
    select company_id, now() - n * interval '100 minutes', 'user.changed', 'User', '{}'
      from app_user, generate_series(1, 100) n;
    insert into notification (company_id, recipient, ticket_number, event_id, type, data, actor_name, at, channel,
                              due_at)
    select company_id, 'a@example.com', number, number, 'note.added', '{}', 'User', now(), 'email', now() from ticket;
    analyze
"""

_INDEXES = {
    Kind.IDEMPOTENCY_KEYS: [{"idempotency_key_age"}],
    Kind.DRAFTS: [{"held_file_age"}, {"undone_assignment_age"}, {"draft_age"}],
    Kind.JOBS: [{"job_newest", "job_item_pkey"}],
    Kind.DELIVERIES: [{"delivery_finished"}],
    Kind.OUTBOUND_MAIL: [{"outbound_mail_finished"}],
    Kind.INBOUND_MAIL: [{"inbound_mail_old"}],
    Kind.AUDIT: [{"event_of_records"}],
}
"""The indexes of each statement of a batch."""


_AGE = timedelta(minutes=9500)
"""One in twenty is older."""
_LIMIT = 50
"""As a thousand of a table of a million."""


class _Recording(RecordingConnection):
    """Records every statement with its values."""

    def __init__(self) -> None:
        self.statements: list[tuple[str, tuple[object, ...]]] = []

    async def fetchrow(self, statement: str, *values: object) -> None:
        self.statements.append((statement, values))

    fetchval = fetchrow


@pytest.fixture(scope="module")
async def many(postgres: str) -> AsyncIterator[Any]:
    async with filled_with(postgres, MANY_ROWS + ";" + _ROWS, "fresh statistics") as connection:
        yield connection


@pytest.mark.parametrize("kind", PURGES)
async def test_a_batch_is_found_by_its_index(many: Any, kind: Kind) -> None:
    recording = _Recording()
    await PURGES[kind](Tx(recording), before=now() - _AGE)
    for (statement, values), indexes in zip(recording.statements, _INDEXES[kind], strict=True):
        used, walked = await plan_of(
            many, statement, *(_LIMIT if isinstance(value, int) else value for value in values)
        )
        assert indexes <= used, statement
        assert walked <= {"consumer"}, statement


@pytest.mark.parametrize("kind", DUE)
async def test_what_is_due_is_counted_along_an_index(many: Any, kind: Kind) -> None:
    _used, walked = await plan_of(many, f"{DUE[kind]} limit 10", now() - _AGE)
    assert walked == set()


@pytest.mark.parametrize("kind", OLDEST)
async def test_the_oldest_is_one_end_of_an_index(many: Any, kind: Kind) -> None:
    used, walked = await plan_of(many, OLDEST[kind])
    assert (len(used), walked) == (1, set())
