-- Why:   reminders of tickets, and the timers that they and what else is due at a moment share.
-- Order: before the first start of the code.
-- Locks: the table ticket, exclusively, for a moment: the columns have no default, and rewrite no rows. The index is
--        built of no rows.

-- A row for each moment at which something has to be done, once. kind says what, subject for what within the company.
create table timer (
    company_id uuid not null references company,
    kind       text not null,
    subject    bigint not null,
    due_at     timestamptz not null,
    attempts   integer not null default 0,
    primary key (company_id, kind, subject)
);
create index timer_due on timer (due_at);

-- The reminder of a ticket: when it is due, in a column that lists sort by, and the whole of it.
alter table ticket
    add column reminder_at timestamptz,
    add column reminder    jsonb,
    add check ((reminder is null) = (reminder_at is null)) not valid;
create index ticket_reminder on ticket (reminder_at, number) where reminder_at is not null;
