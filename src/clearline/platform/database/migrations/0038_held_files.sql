-- Why:   the files of a reply wait with it before anything leaves the house.
-- Order: before the first start of the code.
-- Locks: none.

-- A file of the composer that is not attached yet: its content is stored under its company and id, as an attachment's is.
-- message_id: the pending message that it goes with; null while it stands in the composer of its user.
create table held_file (
    company_id    uuid not null,
    ticket_number bigint not null,
    id            uuid not null,
    user_id       uuid not null,
    message_id    uuid,
    name          text not null,
    media_type    text not null,
    size          bigint not null,
    sha256        bytea not null,
    created_at    timestamptz not null,
    primary key (company_id, ticket_number, id),
    foreign key (company_id, ticket_number) references ticket (company_id, number)
);
create unique index held_file_by_id on held_file (company_id, id);
create index held_file_age on held_file (created_at) where message_id is null;
