-- Why:   what is stored about a person is pseudonymised by the workers, page by page, and a certificate says so.
-- Order: before the first start of the code.
-- Locks: none.
-- Compatible: yes

-- An erasure of a person, or with is_dry_run the count of what it would rewrite. code: what the pseudonyms end with.
-- accounts: the ids of the person's users. hints: what whoever asked should know. sealed: the words, encrypted, until the
-- work is done. round, step, after: how far the work is. rows: how many rows of each table were rewritten or deleted so far.
-- files: the attachments that a human has to look at. certificate: what was done, with its SHA-256.
create table erasure (
    id          uuid primary key,
    code        text not null,
    accounts    uuid[] not null,
    hints       text[] not null,
    is_dry_run  boolean not null,
    reason      text not null check (length(reason) between 1 and 500),
    user_id     uuid,
    user_name   text not null,
    created_at  timestamptz not null,
    sealed      bytea,
    round       smallint not null default 1,
    step        text not null,
    after       jsonb,
    rows        jsonb not null default '{}',
    files       jsonb not null default '[]',
    due_at      timestamptz not null,
    finished_at timestamptz,
    certificate text,
    check ((sealed is null) = (finished_at is not null))
);
create index erasure_newest on erasure (created_at, id);
create index erasure_due on erasure (due_at, id) where finished_at is null;
