-- Why:   customers rate how a ticket was resolved.
-- Order: before the first start of the code.
-- Locks: none on existing tables that anything waits for.

-- One vote of an address about one resolution of a ticket.
create table feedback (
    company_id    uuid not null,
    ticket_number bigint not null,
    resolved_at   timestamptz not null,
    recipient     text not null check (recipient = lower(recipient) and length(recipient) between 3 and 254),
    id            uuid not null,
    rating        text not null check (rating in ('good', 'bad')),
    comment       text not null check (length(comment) <= 2000),
    created_at    timestamptz not null,
    updated_at    timestamptz not null,
    primary key (company_id, ticket_number, resolved_at, recipient),
    foreign key (company_id, ticket_number) references ticket (company_id, number)
);
create index feedback_by_id on feedback (id);
create index feedback_of_ticket on feedback (ticket_number, created_at, id);
create index feedback_newest on feedback (created_at, id);
