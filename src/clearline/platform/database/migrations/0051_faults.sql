-- Why:   a ticket has the facts of its fault: when it began, and the rest as one document. Lists of open tickets are
--        sorted by the beginning, along an index: of all, of a company, of a queue or of an assignee. A ticket of a
--        service with many tickets in a short time is chronic.
-- Order: before the first start of the code; older processes leave the columns alone.
-- Locks: ticket exclusively, while the indexes are built: up to a minute for a million open tickets. Gives up after 5 s
--        of waiting for a lock.

set local lock_timeout = '5s';

alter table ticket
    add column occurred_at timestamptz check (occurred_at >= '2000-01-01 00:00:00+00'),
    add column fault jsonb check (jsonb_typeof(fault) = 'object' and octet_length(fault::text) <= 30000),
    add column is_chronic boolean not null default false;

-- Every number is greater than 0. The conditions on it have no other list or count planned with these indexes.
create index ticket_open_occurred on ticket ((is_open::integer), coalesce(occurred_at, created_at), number)
    where number <> -7;
create index ticket_company_occurred on ticket (company_id, coalesce(occurred_at, created_at), number)
    where is_open and number <> -7;
create index ticket_queue_occurred on ticket (queue_id, coalesce(occurred_at, created_at), number)
    where is_open and number <> -7 and queue_id is not null;
create index ticket_assignee_occurred on ticket (assignee_id, coalesce(occurred_at, created_at), number)
    where is_open and number <> -7 and assignee_id is not null;

-- Tickets that were raised before make no service chronic.
insert into consumer select 'chronic', xid, id from event order by xid desc, id desc limit 1;
