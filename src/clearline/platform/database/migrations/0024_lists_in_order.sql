-- Why:   lists of open tickets by priority, last change, change of status and creation walk an index in that order: of
--        all, of a company, of a queue or of an assignee. What a user watches is found without reading every watcher.
-- Order: before the first start of the code; older processes do not use the indexes.
-- Locks: ticket and ticket_watcher against writes while the indexes are built, up to a minute for a million open tickets.
--        Gives up after 5 s of waiting for a lock.

set local lock_timeout = '5s';
lock table ticket, ticket_watcher in share mode;

-- Every number is greater than 0. The conditions on it have no other list or count planned with these indexes.
create index ticket_open_priority on ticket (
    (case priority when 'critical' then 1 when 'high' then 2 when 'medium' then 3 when 'low' then 4 end), number
) where is_open and number <> -1;
create index ticket_company_priority on ticket (
    company_id, (case priority when 'critical' then 1 when 'high' then 2 when 'medium' then 3 when 'low' then 4 end),
    number
) where is_open and number <> -1;
create index ticket_queue_priority on ticket (
    queue_id, (case priority when 'critical' then 1 when 'high' then 2 when 'medium' then 3 when 'low' then 4 end),
    number
) where is_open and number <> -1 and queue_id is not null;
create index ticket_assignee_priority on ticket (
    assignee_id, (case priority when 'critical' then 1 when 'high' then 2 when 'medium' then 3 when 'low' then 4 end),
    number
) where is_open and number <> -1 and assignee_id is not null;

create index ticket_open_updated on ticket (updated_at, number) where is_open and number <> -2;
create index ticket_company_updated on ticket (company_id, updated_at, number) where is_open and number <> -2;
create index ticket_customer_updated on ticket (company_id, coalesce(customer_updated_at, updated_at), number)
    where is_open and number <> -2;
create index ticket_queue_updated on ticket (queue_id, updated_at, number)
    where is_open and number <> -2 and queue_id is not null;
create index ticket_assignee_updated on ticket (assignee_id, updated_at, number)
    where is_open and number <> -2 and assignee_id is not null;

create index ticket_open_status_changed on ticket (status_changed_at, number) where is_open and number <> -3;
create index ticket_company_status_changed on ticket (company_id, status_changed_at, number)
    where is_open and number <> -3;
create index ticket_queue_status_changed on ticket (queue_id, status_changed_at, number)
    where is_open and number <> -3 and queue_id is not null;
create index ticket_assignee_status_changed on ticket (assignee_id, status_changed_at, number)
    where is_open and number <> -3 and assignee_id is not null;

create index ticket_queue_created on ticket (queue_id, created_at, number)
    where is_open and number <> -4 and queue_id is not null;
create index ticket_assignee_created on ticket (assignee_id, created_at, number)
    where is_open and number <> -4 and assignee_id is not null;

create index ticket_watcher_by_user on ticket_watcher (user_id, company_id, ticket_number);
