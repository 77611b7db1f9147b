-- Why:   a ticket has several contacts with roles, and copies of its mail; a company says what mail each role gets.
-- Order: before the first start of the code.
-- Locks: ticket against writes while the index is built, up to a minute for a million tickets; company for a moment.

-- The people of a ticket besides its contact, which stands in the ticket. One who left by the link in a mail stays, and
-- gets no more mail.
create table ticket_contact (
    company_id    uuid not null,
    ticket_number bigint not null,
    id            bigint not null generated always as identity,
    kind          text not null check (kind in ('contact', 'cc', 'suggested', 'left')),
    email         text not null check (length(email) <= 254),
    name          text not null check (length(name) <= 255),
    phone         text not null check (length(phone) <= 64),
    roles         text[] not null
        check (roles <@ array['reporter', 'technical', 'site_access', 'escalation', 'on_duty']),
    created_at    timestamptz not null,
    primary key (company_id, ticket_number, id),
    foreign key (company_id, ticket_number) references ticket (company_id, number),
    check ((kind = 'contact') = (cardinality(roles) > 0)),
    check (email <> '' or (kind = 'contact' and phone <> ''))
);
create unique index ticket_contact_email on ticket_contact (company_id, ticket_number, lower(email)) where email <> '';
create index ticket_contact_by_email on ticket_contact (lower(email), company_id, ticket_number)
    where kind in ('contact', 'cc');

lock table ticket in share mode;
create index ticket_by_contact on ticket (lower(contact_email), number);

-- What mail each role gets where that differs from the defaults, and what becomes of the Cc of inbound mail.
alter table company
    add column contact_rules jsonb,
    add column inbound_cc    text not null default 'suggest' check (inbound_cc in ('ignore', 'suggest', 'add'));

-- A new desk has nothing to index: its search index is of the format of this version.
update search_index set format = 4, building = null, below = null
 where format = 3 and not exists (select from ticket);
