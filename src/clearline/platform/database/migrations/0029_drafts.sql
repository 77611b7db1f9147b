-- Why:   what an agent writes in the console outlives a reload, a crash and an expired session, and another device finds it.
-- Order: before the first start of the code.
-- Locks: none.

-- A person's unsent words about a ticket. writer: the form in which they were typed, so that two devices never overwrite
-- each other's words.
create table draft (
    company_id    uuid not null,
    user_id       uuid not null,
    ticket_number bigint not null,
    visibility    text not null check (visibility in ('public', 'internal')),
    writer        text not null check (length(writer) between 1 and 64),
    text          text not null check (length(text) between 1 and 16000),
    then_status   text not null default '' check (length(then_status) <= 30),
    saved_at      timestamptz not null,
    primary key (company_id, user_id, ticket_number, visibility, writer),
    foreign key (company_id, user_id) references app_user (company_id, id)
);
create index draft_age on draft (saved_at);
