-- Why:   clearline doctor tells a mailbox whose last poll failed from one that cannot be polled.
-- Order: before the first start of the code. Older versions leave the column as it is.
-- Locks: mailbox for a moment. Gives up after 5 s of waiting for a lock.

set local lock_timeout = '5s';

-- failing_since: the first of the polls that failed in a row; null when the last one did not.
alter table mailbox add column failing_since timestamptz;
