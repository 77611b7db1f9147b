-- Why:   people choose the columns of lists, for a saved view or for each list by itself.
-- Order: before the first start of the code; older processes keep the columns of the views that they change.
-- Locks: saved_view for a moment. Gives up after 5 s of waiting for the lock.

set local lock_timeout = '5s';
-- null: the default columns.
alter table saved_view add column columns text[];

-- What a person chose for a list that is no saved view. list: its path in the console, such as mine or queues/<id>.
create table list_columns (
    company_id uuid not null,
    user_id    uuid not null,
    list       text not null check (length(list) <= 100),
    columns    text[] not null,
    primary key (company_id, user_id, list),
    foreign key (company_id, user_id) references app_user (company_id, id)
);
