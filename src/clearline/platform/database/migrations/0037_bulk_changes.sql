-- Why:   what an agent did to many tickets in a list can be undone for 10 minutes.
-- Order: before the first start of the code.
-- Locks: none.

-- A ticket that a person changed with others. company_id: of the person. id: the change. version: the ticket's version after
-- it. inverse: the action that undoes it; null if there is none. tried_at, refusal: when the undoing was tried, and why it was
-- refused.
create table bulk_change (
    company_id    uuid not null,
    user_id       uuid not null,
    id            uuid not null,
    ticket_number bigint not null,
    version       bigint not null,
    inverse       jsonb,
    changed_at    timestamptz not null,
    tried_at      timestamptz,
    refusal       text not null default '',
    primary key (company_id, user_id, id, ticket_number),
    foreign key (company_id, user_id) references app_user (company_id, id)
);
create index bulk_change_untried on bulk_change (company_id, user_id, changed_at) where inverse is not null and tried_at is null;
create index bulk_change_by_time on bulk_change (changed_at);
