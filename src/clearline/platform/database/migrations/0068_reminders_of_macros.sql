-- Why:   macros set reminders.
-- Order: before the first start of the code.
-- Locks: ACCESS EXCLUSIVE on macro for a moment.

alter table macro add column reminder jsonb check (jsonb_typeof(reminder) = 'object');
