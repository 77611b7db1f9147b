-- Why:   the events of a ticket are read in the order in which they happened. A transaction that took its number early may
--        change a ticket after one with a later number did. Then its event gets the number of the event before it: readers
--        wait for the numbers of running transactions anyway, and this one is never smaller than the transaction's own.
-- Order: before or after the start of the code.
-- Locks: event for a moment. Gives up after 5 s of waiting for a lock.

set local lock_timeout = '5s';

-- In a trigger, because its query sees what was committed while the statement waited for the lock on the ticket. Several
-- rows, because what two transactions note about one ticket at the same moment may have smaller numbers later.
create function event_follows_its_ticket() returns trigger language plpgsql as $$
declare
    latest xid8;
begin
    select last.xid into latest
      from (select e.xid from event e
             where e.company_id = new.company_id and e.ticket_number = new.ticket_number
             order by e.id desc limit 8) last
     order by last.xid desc limit 1;
    new.xid := greatest(new.xid, latest);
    return new;
end $$;

create trigger event_order before insert on event for each row
    when (new.ticket_number is not null and new.type <> 'ticket.created')
    execute function event_follows_its_ticket();
