-- Why:   the dashboard counts the tickets that were finished on each day.
-- Order: before the first start of the code; older processes do not use the index.
-- Locks: ticket against writes while the index is built, a few seconds for a million finished tickets. Gives up after
--        5 s of waiting for a lock.

set local lock_timeout = '5s';
lock table ticket in share mode;

-- Every number is greater than 0. No list or count with another condition is planned with this index: nothing implies a
-- condition on an expression but itself.
create index ticket_finished on ticket (status_changed_at) where not is_open and number + 0 > 0;
