-- Why:   people sign in with a password, and each sign-in is a session, which can be listed and ended.
-- Order: before the first start of the code. Older processes do not use the tables; a change of a role by one of them
--        ends no session, and a deactivation does.
-- Locks: app_user for a moment, since no row is rewritten. Gives up after 5 s of waiting for a lock.

set local lock_timeout = '5s';

-- session_epoch: counts the changes of role and state. A session of an earlier count has ended.
alter table app_user add column session_epoch integer not null default 0;

-- hash: argon2id, in the PHC string format.
create table user_password (
    company_id uuid not null,
    user_id    uuid not null,
    hash       text not null check (hash like '$argon2id$%'),
    changed_at timestamptz not null,
    primary key (company_id, user_id),
    foreign key (company_id, user_id) references app_user (company_id, id)
);

-- device, address: those of the last use. authenticated_at: when the person last proved who it is.
create table sign_in_session (
    company_id       uuid not null,
    id               uuid not null,
    user_id          uuid not null,
    session_epoch    integer not null,
    token_hash       bytea not null check (length(token_hash) = 32),
    created_at       timestamptz not null,
    last_used_at     timestamptz not null,
    expires_at       timestamptz not null,
    authenticated_at timestamptz not null,
    second_factor    boolean not null,
    device           text not null check (length(device) <= 255),
    address          text not null check (length(address) <= 64),
    primary key (company_id, id),
    foreign key (company_id, user_id) references app_user (company_id, id)
);
create index sign_in_session_by_token on sign_in_session (token_hash);
create index sign_in_session_of_user on sign_in_session (company_id, user_id, created_at);
create index sign_in_session_expired on sign_in_session (expires_at);
