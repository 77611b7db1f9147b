-- Why:   words that must not be kept, and files, are removed from everything that is stored about a ticket.
-- Order: before the first start of the code.
-- Locks: delivery against writes while its index is built, some seconds for a million rows. Gives up after 5 s of waiting
--        for the lock.

set local lock_timeout = '5s';

-- A redaction of a ticket. sealed: the words, encrypted, until the work is done. tickets: where they were looked for.
-- content_ids: stored contents that are deleted. round, step, after: how far the work is. places: the texts, mails and other
-- rows that held the words so far.
create table redaction (
    company_id    uuid not null,
    ticket_number bigint not null,
    id            uuid not null,
    target        text not null check (target in ('ticket', 'title', 'description', 'note', 'mail', 'attachment')),
    target_id     text not null default '' check (length(target_id) <= 64),
    reason        text not null check (length(reason) between 1 and 500),
    user_id       uuid,
    user_name     text not null,
    created_at    timestamptz not null,
    tickets       bigint[] not null,
    content_ids   uuid[] not null default '{}',
    places        integer not null,
    sealed        bytea,
    round         smallint not null default 1,
    step          text not null default '',
    after         jsonb,
    due_at        timestamptz not null,
    finished_at   timestamptz,
    primary key (company_id, ticket_number, id),
    foreign key (company_id, ticket_number) references ticket (company_id, number),
    check ((sealed is null) = (finished_at is not null))
);
create index redaction_due on redaction (due_at, id) where finished_at is null;

create index delivery_about_ticket on delivery (ticket_number, number) where ticket_number is not null;
