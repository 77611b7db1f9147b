-- Why:   staff list the mail that recipients stopped, and resume it.
-- Order: before the first start of the code; older processes add opt-outs with a default id.
-- Locks: mail_opt_out against everything while its rows are written once and indexed, a second for some 100,000. Gives up
--        after 5 s of waiting for a lock.

set local lock_timeout = '5s';

alter table mail_opt_out add column id uuid not null default gen_random_uuid();
create index mail_opt_out_by_id on mail_opt_out (id);
create index mail_opt_out_newest on mail_opt_out (created_at, id);
create index mail_opt_out_of_recipient on mail_opt_out (recipient, created_at, id);
