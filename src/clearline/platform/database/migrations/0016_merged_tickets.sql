-- Why:   a ticket knows whether another was ever merged into it, so that a list with notes asks for those of merged tickets
--        only where there are any.
-- Order: before the first start of the code. A merge by an older process is not marked: stop them first.
-- Locks: ticket for a moment; then the few rows that something was merged into. Gives up after 5 s of waiting for a lock.

set local lock_timeout = '5s';

-- It stays true when the merge is undone: then the look finds nothing.
alter table ticket add column has_merged boolean not null default false;
update ticket t set has_merged = true
  from (select distinct company_id, into_number from ticket_merge) m
 where t.company_id = m.company_id and t.number = m.into_number;
