-- Why:   a company may have a parent, such as a reseller, whose people see and raise its tickets if it shares with it.
-- Order: before the first start of the code.
-- Locks: the table company, exclusively, for a moment; it has a row for each customer.

alter table company
    add column parent_id          uuid references company,
    add column shares_with_parent boolean not null default false,
    add check (parent_id <> id),
    add check (parent_id is null or not is_provider),
    add check (parent_id is not null or not shares_with_parent);

-- With which parents a company shared its tickets before: their people get no more mail about these.
create table former_parent (
    company_id uuid not null references company,
    parent_id  uuid not null references company,
    primary key (company_id, parent_id)
);

create index company_by_parent on company (parent_id) where parent_id is not null;
