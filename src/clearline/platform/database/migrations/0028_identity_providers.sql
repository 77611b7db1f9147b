-- Why:   people of the provider sign in by an identity provider (OpenID Connect), too.
-- Order: before the first start of the code. Older processes do not use the tables: until they are stopped, they also accept
--        the passwords of people who sign in by an identity provider only.
-- Locks: app_user for a moment, for the foreign key. Gives up after 5 s of waiting for a lock.

set local lock_timeout = '5s';

-- client_secret: encrypted; null for a client without one. group_roles: an object, the role of each group. replaces_password:
-- whoever signed in with it cannot use a password while it is active.
create table identity_provider (
    id                   uuid primary key,
    name                 text not null check (length(name) between 1 and 255),
    created_at           timestamptz not null,
    is_active            boolean not null,
    issuer               text not null check (length(issuer) between 1 and 1000),
    client_id            text not null check (length(client_id) between 1 and 255),
    client_secret        bytea,
    scopes               text[] not null,
    email_domains        text[] not null,
    groups_claim         text not null,
    group_roles          jsonb not null,
    default_role         text check (default_role in ('admin', 'agent', 'viewer')),
    second_factor_values text[] not null,
    trusts_second_factor boolean not null,
    replaces_password    boolean not null
);
create unique index identity_provider_name on identity_provider (lower(name));

-- Who a person is at an issuer: found by issuer and subject, which stay when the address changes.
create table user_identity (
    company_id uuid not null,
    issuer     text not null,
    subject    text not null check (length(subject) between 1 and 255),
    user_id    uuid not null,
    created_at timestamptz not null,
    primary key (company_id, issuer, subject),
    unique (company_id, user_id, issuer),
    foreign key (company_id, user_id) references app_user (company_id, id)
);

-- A sign-in that waits for the browser to come back from an identity provider.
create table sign_in_flow (
    state_hash   bytea primary key check (length(state_hash) = 32),
    browser_hash bytea not null check (length(browser_hash) = 32),
    provider_id  uuid not null references identity_provider on delete cascade,
    nonce        text not null,
    verifier     text not null,
    return_to    text not null,
    is_again     boolean not null,
    created_at   timestamptz not null,
    expires_at   timestamptz not null
);
create index sign_in_flow_of_provider on sign_in_flow (provider_id);
create index sign_in_flow_expired on sign_in_flow (expires_at);
