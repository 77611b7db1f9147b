-- Why:   a ticket lists the cases that the provider has at carriers and vendors.
-- Order: before the first start of the code.
-- Locks: none on tables that hold rows.

create table ticket_case (
    company_id    uuid not null,
    ticket_number bigint not null,
    id            uuid not null,
    party         text not null check (length(party) between 1 and 120),
    number        text not null check (length(number) <= 100),
    kind          text not null check (kind in ('carrier', 'vendor', 'other')),
    state         text not null check (state in ('open', 'waiting', 'resolved', 'closed')),
    opened_at     timestamptz not null,
    expected_at   timestamptz,
    contact_name  text not null check (length(contact_name) <= 255),
    contact_phone text not null check (length(contact_phone) <= 64),
    contact_email text not null check (length(contact_email) <= 254),
    notes         text not null check (length(notes) <= 4000),
    created_at    timestamptz not null,
    created_by    text not null,
    updated_at    timestamptz not null,
    updated_by    text not null,
    primary key (company_id, ticket_number, id),
    foreign key (company_id, ticket_number) references ticket (company_id, number),
    check (expected_at >= opened_at)
);
create index ticket_case_by_number on ticket_case (lower(number), company_id, ticket_number) where number <> '';
-- The parties of all cases, which the pages suggest, are found by skipping from one to the next.
create index ticket_case_by_party on ticket_case (party);
