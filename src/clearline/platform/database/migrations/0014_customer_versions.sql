-- Why:   a customer's view of a ticket has a version and a time of its own, which do not move when only the provider sees a
--        change; and each event of a ticket says which version it made.
-- Order: before the first start of the code. Older processes go on with this schema: what they change counts as seen by the
--        customer, as before, and their events have no version.
-- Locks: ticket and event for a moment, since no row is rewritten. Gives up after 5 s of waiting for a lock.

set local lock_timeout = '5s';
lock table ticket, event in access exclusive mode;

-- internal_changes: how many of the changes that version counts the customer does not see. A difference, so that a process
-- that does not know it moves both. customer_updated_at: the last change that the customer sees, null when it is updated_at.
-- Customers keep the versions and times that they have seen of tickets that are here already.
alter table ticket
    add column internal_changes    integer not null default 0,
    add column customer_updated_at timestamptz;

-- The version of the ticket after the change, for the provider and for the customer. Events that are here already have none.
alter table event
    add column ticket_version   integer,
    add column customer_version integer;
