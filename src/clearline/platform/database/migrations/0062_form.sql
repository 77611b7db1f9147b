-- Why:   forms of tickets by type of issue and audience: which fields are asked for, in which order, and when.
-- Order: before the first start of the code.
-- Locks: SHARE ROW EXCLUSIVE on issue_type for a moment; the table is new.

create table form (
    id            uuid primary key,
    issue_type_id uuid not null references issue_type on delete cascade,
    audience      text not null check (audience in ('staff', 'customer')),
    fields        jsonb not null check (jsonb_typeof(fields) = 'array'),
    created_at    timestamptz not null,
    unique (issue_type_id, audience)
);

create trigger form_changed after insert or update or delete on form
    for each statement execute function tell_catalogue_changed();
