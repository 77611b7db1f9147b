-- Why:   guesses of passwords are counted for all server processes together.
-- Order: before the first start of the code. Older processes do not use the table.
-- Locks: none.

-- key: the SHA-256 of what is counted: an account, a network, or an account from a network. Until ends_at, attempts counts
-- those that failed or have not finished.
create table sign_in_attempt (
    key      bytea primary key check (length(key) = 32),
    attempts integer not null,
    ends_at  timestamptz not null
);
create index sign_in_attempt_ended on sign_in_attempt (ends_at);
