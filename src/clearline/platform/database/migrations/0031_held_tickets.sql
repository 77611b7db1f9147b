-- Why:   a handover lists the tickets on hold, of which there are few among very many open ones.
-- Order: before the first start of the code; older processes do not use the index.
-- Locks: ticket against writes while the index is built, a second or two for a million tickets. Gives up after 5 s of
--        waiting for a lock.

set local lock_timeout = '5s';
lock table ticket in share mode;

-- Every number is greater than 0. The condition on it has no other list or count planned with this index.
create index ticket_held on ticket (status_changed_at, number) where status = 'held' and number <> -6;
