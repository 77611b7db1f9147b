-- Why:   a message of the console that sets the status says why the ticket waits, or what was found and done.
-- Order: before the first start of the code.
-- Locks: draft and pending_message, for a moment.

-- Null when nothing is given. What goes with then_status: sub_status, waiting, closure.
alter table draft add column facts jsonb;
alter table pending_message add column facts jsonb;
