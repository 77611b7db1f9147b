-- Why:   an agent who begins a reply in a ticket without an assignee gets it, can undo that, and can turn it off.
-- Order: before the first start of the code.
-- Locks: none.

-- The people to whom no ticket is assigned when they begin a reply.
create table assign_by_typing_off (
    company_id uuid not null,
    user_id    uuid not null,
    primary key (company_id, user_id),
    foreign key (company_id, user_id) references app_user (company_id, id)
);

-- The tickets that a person did not want when they were assigned by typing: typing does not assign them again.
create table undone_assignment (
    company_id    uuid not null,
    user_id       uuid not null,
    ticket_number bigint not null,
    undone_at     timestamptz not null,
    primary key (company_id, user_id, ticket_number),
    foreign key (company_id, user_id) references app_user (company_id, id)
);
create index undone_assignment_age on undone_assignment (undone_at);
