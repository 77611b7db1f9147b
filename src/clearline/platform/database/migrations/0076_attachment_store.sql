-- Why:   the database and its store of attachments know each other by a mark, so that a store that is not the desk's is noticed.
-- Order: before the first start of the code, which marks the store.
-- Locks: none on existing tables.
-- Compatible: yes

create table attachment_store (
    is_only   boolean primary key default true check (is_only),
    id        uuid not null,
    marked_at timestamptz
);
