-- Why:   a pause that began while a clock was ahead ends when the clock is set back, however long the receiver has failed.
-- Order: before the first start of the code. Older versions leave the column as it is.
-- Locks: subscription for a moment. Gives up after 5 s of waiting for a lock.

set local lock_timeout = '5s';

-- paused_at: when the pause began that ends at resume_at.
alter table subscription add column paused_at timestamptz;
