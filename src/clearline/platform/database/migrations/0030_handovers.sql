-- Why:   agents hand their shift over: who signed it off, when, the note, and what was open then, as it was.
-- Order: before the first start of the code.
-- Locks: none on existing tables.

create table handover (
    id            uuid primary key,
    signed_at     timestamptz not null,
    user_id       uuid not null,
    user_name     text not null,
    note          text not null check (length(note) <= 4000),
    open_count    integer not null,
    open_is_exact boolean not null,
    work          jsonb not null
);
create index handover_by_time on handover (signed_at, id);
