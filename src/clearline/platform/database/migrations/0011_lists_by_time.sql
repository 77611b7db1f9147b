-- Why:   lists of tickets and of deliveries by their time of creation walk an index in that order.
-- Order: before the first start of the code; older processes do not use the indexes.
-- Locks: ticket and delivery against writes while the indexes are built, some seconds for a million rows. Gives up after
--        5 s of waiting for a lock.

set local lock_timeout = '5s';
lock table ticket, delivery in share mode;

create index ticket_by_age on ticket (company_id, created_at, number);
-- An expression, so that no other list is planned with this index and a sort.
create index ticket_age on ticket ((is_open::integer), created_at, number);
create index delivery_by_age on delivery (company_id, subscription_id, created_at, number);
