-- Why:   a person proves with a code of its phone, beside the password, who it is; the desk can require that of a role.
-- Order: before the first start of the code. Older processes do not ask for a code: stop them before people set one up.
-- Locks: none.

-- secret: encrypted. confirmed_at: null until a code has proved that the app has the secret. last_step: the 30 seconds of
-- the newest code that was used, so that none is used twice.
create table second_factor (
    company_id   uuid not null,
    user_id      uuid not null,
    secret       bytea not null,
    created_at   timestamptz not null,
    confirmed_at timestamptz,
    last_step    bigint not null default 0,
    primary key (company_id, user_id),
    foreign key (company_id, user_id) references app_user (company_id, id)
);

create table recovery_code (
    company_id uuid not null,
    user_id    uuid not null,
    code_hash  bytea not null check (length(code_hash) = 32),
    primary key (company_id, user_id, code_hash),
    foreign key (company_id, user_id) references app_user (company_id, id)
);

-- A sign-in that waits for its code, after the password.
create table sign_in_challenge (
    company_id    uuid not null,
    id            uuid not null,
    user_id       uuid not null,
    session_epoch integer not null,
    token_hash    bytea not null check (length(token_hash) = 32),
    expires_at    timestamptz not null,
    primary key (company_id, id),
    foreign key (company_id, user_id) references app_user (company_id, id)
);
create index sign_in_challenge_by_token on sign_in_challenge (token_hash);
create index sign_in_challenge_of_user on sign_in_challenge (company_id, user_id);
create index sign_in_challenge_expired on sign_in_challenge (expires_at);

-- The roles whose people need a second factor.
create table second_factor_role (
    role text primary key check (role in ('admin', 'agent', 'viewer'))
);
