-- Why:   old data is deleted by one worker at a time over all processes, and admins see when, and how much it deleted.
-- Order: before the first start of the code; older code deletes by itself, as before.
-- Locks: none; the table is new.
-- Compatible: yes

create table retention_run (
    kind          text primary key,
    claimed_by    uuid,
    started_at    timestamptz,
    batch_at      timestamptz,
    finished_at   timestamptz,
    removed       bigint not null default 0,
    removed_total bigint not null default 0
);
