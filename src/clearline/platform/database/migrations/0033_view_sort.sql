-- Why:   a saved view keeps the order of its tickets, by the name that lists and searches have for it.
-- Order: before the first start of the code; older processes keep the order of the views that they change.
-- Locks: saved_view for a moment. Gives up after 5 s of waiting for the lock.

set local lock_timeout = '5s';
alter table saved_view add column sort text;
