"""Many tickets with every value that lists filter and sort by, and the plans of lists."""

import json
from datetime import UTC, datetime
from hashlib import md5
from typing import Any
from uuid import UUID

from clearline.tickets.lists.order import Order, OwnKind
from clearline.tickets.lists.store import CHECKS, Shape, ordered_statement

FILL = """
    insert into company
    select md5('company' || c)::uuid, 'Company ' || c, 'C' || c, now() from generate_series(1, 40) c;
    insert into app_user
    select '00000000-0000-4000-8000-000000000001', md5('agent' || a)::uuid, 'Agent ' || a, 'a' || a || '@example.com',
           '', now(), 'agent' from generate_series(1, 2000) a;
    insert into team (id, name, created_at)
    select md5('team' || t)::uuid, 'Team ' || t, now() from generate_series(1, 3) t;
    insert into queue (id, name, team_id, assignment, created_at)
    select md5('queue' || q)::uuid, 'Queue ' || q, case when q < 10 then md5('team' || (1 + q % 3))::uuid end, 'manual',
           now() from generate_series(1, 20) q;
    insert into ticket (company_id, title, description, issue_type, service_type, service_id, severity, impact,
                        priority, status, contact_name, contact_phone, contact_email, channel, created_at, updated_at,
                        status_changed_at, customer_updated_at, tags, external_ids, queue_id, assignee_id,
                        occurred_at, is_chronic, reminder_at, reminder)
    select md5('company' || (1 + t % 37))::uuid, 'Title', repeat('words ', 30),
           (array['Others', 'Unstable', 'Circuit Down'])[1 + t % 3], (array['Port', 'CloudRouter'])[1 + t / 3 % 2],
           'SVC-' || t % 5, (array['minor', 'moderate', 'significant', 'extensive'])[1 + t / 5 % 4], 'degraded',
           (array['low', 'medium', 'high', 'critical'])[1 + t * 7 / 3 % 4],
           (array['closed', 'in_progress', 'pending', 'resolved'])[1 + t / 7 % 4], 'User',
           '', 'User' || t % 7 || '@example.com', 'API',
           '2026-03-01'::timestamptz + (t - t % 11 * 500) * interval '1 second',
           '2026-03-02'::timestamptz + t * 37 % 8000 * interval '1 second',
           '2026-03-03'::timestamptz + t * 53 % 6000 * interval '1 second',
           case when t % 4 = 0 then '2026-03-01'::timestamptz + t * 41 % 8000 * interval '1 second' end,
           case when t % 6 = 0 then '{fibre}'::text[] when t % 10 = 1 then '{fibre,vip}' else '{}' end,
           case when t % 500 = 3 then jsonb_build_object('jira', 'OPS-' || t % 2) else '{}' end,
           case when t % 3 > 0 then md5('queue' || (1 + t % 17))::uuid end,
           case when t % 2 > 0 then md5('agent' || (1 + t % 13))::uuid end,
           case when t % 5 > 1
                then '2026-03-01'::timestamptz + (t - t % 11 * 500 - t * 29 % 4000) * interval '1 second' end,
           t % 12 = 5,
           case when t % 9 < 3 and t / 7 % 4 in (1, 2) then reminded.at end,
           case when t % 9 < 3 and t / 7 % 4 in (1, 2) then jsonb_build_object('at', reminded.at, 'reason', '',
               'cancelled_by_answer', false, 'set_by', 'Agent', 'set_at', reminded.at) end
      from generate_series(1, 8000) t,
           lateral (select '2026-04-01'::timestamptz + t * 29 % 7000 * interval '1 second') reminded (at);
    insert into ticket_merge
    select company_id, number, number, 'held', now() from ticket where number % 4 = 0;
    insert into ticket_watcher
    select company_id, number, '00000000-0000-4000-8000-000000000001', md5('agent' || w)::uuid, now()
      from ticket, generate_series(1, 3) w where number % 40 = w;
    insert into ticket_contact (company_id, ticket_number, kind, email, name, phone, roles, created_at)
    select company_id, number, 'cc', 'User4@example.com', '', '', '{}', now() from ticket where number % 9 = 0;
    insert into ticket_case (company_id, ticket_number, id, party, number, kind, state, opened_at, contact_name,
                             contact_phone, contact_email, notes, created_at, created_by, updated_at, updated_by)
    select company_id, number, md5('case' || number || again)::uuid, 'Fernhill', 'FH-4', 'carrier', 'open', now(), '',
           '', '', '', now(), '', now(), ''
      from ticket, generate_series(1, 2) again where number % 13 = 0;
    insert into attachment (company_id, ticket_number, id, name, media_type, size, sha256, visibility, source, author,
                            created_at)
    select company_id, number, md5('file' || number)::uuid, 'a.txt', 'text/plain', 1, sha256('x'),
           case when number % 22 = 0 then 'internal' else 'public' end, 'seller', 'NOC', now()
      from ticket where number % 11 = 0;
"""
"""Its numbers, 8000, 2000 and so on, are replaced by the tests that need fewer rows."""

TABLES = (
    "company",
    "app_user",
    "team",
    "queue",
    "ticket",
    "ticket_merge",
    "ticket_watcher",
    "ticket_contact",
    "ticket_case",
    "attachment",
)
EMPTY = """
    delete from attachment; delete from ticket_watcher; delete from ticket_contact; delete from ticket_case;
    delete from ticket_merge;
    delete from ticket;
    delete from queue; delete from team; delete from app_user; delete from company where code like 'C%'
"""
PICK = """
    create temporary table if not exists picked as select company_id, queue_id, assignee_id from ticket
     where queue_id is not null and assignee_id is not null and is_open order by number limit 1
"""
TYPES = {
    "status": "text",
    "service_id": "text",
    "contact": "text",
    "cc": "text",
    "case_number": "text",
    "external_id": "jsonb",
}
"""The types of the values of filters; those of several are arrays of text, and the others ids."""
_VALUES = {
    "status": "pending",
    "service_id": "SVC-3",
    "contact": "user3@example.com",
    "cc": "user4@example.com",
    "case_number": "fh-4",
    "external_id": '{"jira": "OPS-1"}',
    "statuses": "{pending,in_progress}",
    "priorities": "{high,critical}",
    "severities": "{minor}",
    "issue_types": "{Others,Unstable}",
    "service_types": "{Port}",
    "tags": "{vip}",
    "sub_statuses": "{with_carrier}",
    "tiers": "{gold,silver}",
    "waiting_reasons": "{third_party,observation}",
}
_EDGES: dict[Order | OwnKind, list[str]] = {
    Order.NUMBER: ["5000"], Order.PRIORITY: ["2", "5000"], OwnKind.NUMBER: ["20", "5000"],
    OwnKind.TEXT: ["value3", "5000"],
}  # fmt: skip
_KEY_TYPES: dict[Order | OwnKind, list[str]] = {
    Order.NUMBER: [], Order.PRIORITY: ["integer"], OwnKind.NUMBER: ["float"], OwnKind.TEXT: ["text"],
}  # fmt: skip


def id_of(name: str) -> UUID:
    """Return the id that ``FILL`` gives to a company, a queue, a team or an agent."""
    return UUID(md5(name.encode(), usedforsecurity=False).hexdigest())


async def plan_of_list(connection: Any, shape: Shape, *, generic: bool) -> dict[str, Any]:
    """Return the plan of a list: for certain values, or the generic one. ``PICK`` comes before."""
    row = await connection.fetchrow("select * from picked")
    ids = {**dict(row), "team_id": id_of("team1"), "watcher_id": id_of("agent1")}
    several = {"within_queues": ids["queue_id"], "within_companies": ids["company_id"]}
    edges = _EDGES.get(shape.order, ["2026-03-01T00:00:30Z", "5000", *["2026-03-01T02:00:00Z"] * shape.has_span])
    key_type = _KEY_TYPES.get(shape.order, ["timestamptz"])
    types = ["bigint", *key_type, "bigint", *["timestamptz"] * shape.has_span]
    values = [str(shape.bound), *edges]
    for name in shape.names:
        count = CHECKS[shape.for_staff][name].count("{}")
        if name == "concerned":
            types += ["text", "uuid"]
            values += ["user3@example.com", str(id_of("agent1"))]
        elif name == "has_own":
            types.append("uuid")
            values.append(str(id_of("field1")))
        elif name == "own_field":
            types += ["uuid", "text"]
            values += [str(id_of("field1")), "value1"]
        elif name == "own_number":
            types += ["uuid", "float", "float"]
            values += [str(id_of("field1")), "1", "2"]
        elif count == 2:
            types += ["timestamptz", "timestamptz"]
            values += ["2026-03-01", "2026-04-01"]
        elif count:
            types.append(TYPES.get(name) or ("uuid" if name in ids else "uuid[]" if name in several else "text[]"))
            values.append(f"{{{several[name]}}}" if name in several else str(ids.get(name) or _VALUES[name]))
    await connection.execute(f"set plan_cache_mode = force_{'generic' if generic else 'custom'}_plan")
    await connection.execute(f"prepare list ({', '.join(types)}) as {ordered_statement(shape)}")
    bound = ", ".join(f"'{value}'" for value in values)
    [top] = json.loads(await connection.fetchval(f"explain (format json) execute list ({bound})"))
    await connection.execute("deallocate list")
    root: dict[str, Any] = top["Plan"]
    return root


FIRST = datetime(2026, 3, 1, tzinfo=UTC)
"""The time before which no ticket of ``FILL`` changed."""
