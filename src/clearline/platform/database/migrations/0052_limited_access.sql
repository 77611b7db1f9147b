-- Why:   agents and viewers can be limited to the tickets of some queues, and to some customers.
-- Order: before the first start of the code.
-- Locks: the table app_user, exclusively, for a moment; null, no limit, rewrites no rows.

alter table app_user
    add column only_queues    uuid[],
    add column only_companies uuid[],
    add check ((only_queues is null and only_companies is null) or role in ('agent', 'viewer'));
