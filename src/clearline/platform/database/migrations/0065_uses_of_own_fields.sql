-- Why:   routing rules have conditions on own fields, and macros set own fields.
-- Order: before the first start of the code.
-- Locks: ACCESS EXCLUSIVE on routing_rule and macro for a moment.

alter table routing_rule add column fields text[] not null default '{}';
alter table macro add column fields jsonb check (jsonb_typeof(fields) = 'object' and fields <> '{}');
