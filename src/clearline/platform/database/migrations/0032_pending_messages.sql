-- Why:   a message can be taken back for some seconds before anything leaves the house.
-- Order: before the first start of the code.
-- Locks: none.

-- A message that was sent and can still be taken back. It is a note once it is due. failure: why it could not be sent;
-- then it stays until somebody takes it back.
create table pending_message (
    company_id    uuid not null,
    ticket_number bigint not null,
    id            uuid not null,
    user_id       uuid not null,
    author        text not null,
    text          text not null,
    visibility    text not null check (visibility in ('public', 'internal')),
    then_status   text not null default '' check (length(then_status) <= 30),
    created_at    timestamptz not null,
    due_at        timestamptz not null,
    failure       text not null default '',
    primary key (company_id, ticket_number, id),
    foreign key (company_id, ticket_number) references ticket (company_id, number)
);
create index pending_message_due on pending_message (due_at) where failure = '';
create index pending_message_failed on pending_message (user_id) where failure <> '';
