-- Why:   undoing a merge restores the sub-status of the ticket, and why it waited.
-- Order: before the first start of the code.
-- Locks: ACCESS EXCLUSIVE on ticket_merge for the moment of ADD COLUMN.

alter table ticket_merge
    add column sub_status_before text,
    add column waiting_before jsonb check (jsonb_typeof(waiting_before) = 'object');
