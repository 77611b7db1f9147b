-- Why:   a link lets a person choose a password: an invitation, a forgotten password, the first admin of an installation.
-- Order: before the first start of the code. Older processes do not use the table.
-- Locks: none.

-- user_id: null for the link of the set-up, whose user does not exist yet.
create table sign_in_link (
    company_id uuid not null references company,
    id         uuid not null,
    user_id    uuid,
    kind       text not null check (kind in ('invitation', 'password_reset', 'set_up')),
    token_hash bytea not null check (length(token_hash) = 32),
    created_at timestamptz not null,
    expires_at timestamptz not null,
    primary key (company_id, id),
    foreign key (company_id, user_id) references app_user (company_id, id)
);
create index sign_in_link_by_token on sign_in_link (token_hash);
create index sign_in_link_of_user on sign_in_link (company_id, user_id);
create index sign_in_link_expired on sign_in_link (expires_at);
