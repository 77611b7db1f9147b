-- Why:   the foundation: companies, users, keys, services, tickets, notes, events, idempotency keys.
-- Order: before the first start of the code.
-- Locks: none that matter; every table is new.

create table company (
    id         uuid primary key,
    name       text not null check (length(name) between 1 and 255),
    code       text not null check (length(code) between 1 and 32),
    created_at timestamptz not null
);
create unique index company_name on company (lower(name));
create unique index company_code on company (lower(code));

create table app_user (
    company_id uuid not null references company,
    id         uuid not null,
    name       text not null check (length(name) between 1 and 255),
    email      text not null check (length(email) between 3 and 254),
    phone      text not null check (length(phone) <= 64),
    created_at timestamptz not null,
    primary key (company_id, id)
);
create unique index app_user_email on app_user (company_id, lower(email));

create table api_key (
    company_id   uuid not null,
    id           uuid not null,
    user_id      uuid not null,
    name         text not null check (length(name) between 1 and 255),
    prefix       text not null,
    secret_hash  bytea not null check (length(secret_hash) = 32),
    scopes       text[] not null,
    created_at   timestamptz not null,
    expires_at   timestamptz,
    revoked_at   timestamptz,
    last_used_at timestamptz,
    primary key (company_id, id),
    foreign key (company_id, user_id) references app_user (company_id, id)
);
create index api_key_by_secret on api_key (secret_hash);

-- Whoever keeps keys in memory hears at once that one changed; last_used_at alone is no change worth hearing of.
create function tell_actors_changed() returns trigger language plpgsql as $$
begin
    perform pg_notify('clearline_actors', '');
    return null;
end $$;
create trigger api_key_changed after update of revoked_at, expires_at, scopes, secret_hash or delete on api_key
    for each statement execute function tell_actors_changed();
create trigger app_user_changed after update or delete on app_user
    for each statement execute function tell_actors_changed();
create trigger company_changed after update or delete on company
    for each statement execute function tell_actors_changed();

create table service (
    company_id uuid not null references company,
    id         text not null check (length(id) between 1 and 64),
    type       text not null check (type in ('Port', 'CloudRouter', 'Internet on Demand', 'Connection (L2)')),
    label      text not null check (length(label) between 1 and 255),
    created_at timestamptz not null,
    primary key (company_id, id)
);
create index service_by_label on service (company_id, type, label, id);

create sequence ticket_number;
create sequence worklog_number;

create table ticket (
    company_id        uuid not null references company,
    number            bigint not null default nextval('ticket_number') check (number < 1000000000000),
    title             text not null check (length(title) between 1 and 255),
    description       text not null check (length(description) between 1 and 32000),
    issue_type        text not null,
    service_type      text not null,
    service_id        text not null check (length(service_id) between 1 and 64),
    service_label     text,
    severity          text not null check (severity in ('minor', 'moderate', 'significant', 'extensive')),
    impact            text not null check (impact in ('degraded', 'intermittent', 'down')),
    priority          text not null check (priority in ('low', 'medium', 'high', 'critical')),
    status            text not null check (status in (
        'acknowledged', 'in_progress', 'pending', 'held', 'resolved', 'reopened',
        'cancellation_requested', 'cancelled', 'closed', 'rejected')),
    contact_name      text not null check (length(contact_name) <= 255),
    contact_phone     text not null check (length(contact_phone) <= 64),
    contact_email     text not null check (length(contact_email) <= 254),
    channel           text not null,
    created_by        uuid,
    created_at        timestamptz not null,
    updated_at        timestamptz not null,
    status_changed_at timestamptz not null,
    resolved_at       timestamptz,
    version           integer not null default 1,
    is_open           boolean not null generated always as (status not in ('cancelled', 'closed', 'rejected')) stored,
    primary key (company_id, number)
) with (fillfactor = 90);
create index ticket_page on ticket (company_id, is_open, number);
create index ticket_by_number on ticket (number, company_id);

-- How many tickets a company has, so that no list counts rows. Spread over shards: two writers seldom want one row.
create table ticket_count (
    company_id uuid not null references company,
    shard      integer not null,
    open       bigint not null,
    finished   bigint not null,
    primary key (company_id, shard)
) with (fillfactor = 50);

create table note (
    company_id    uuid not null,
    ticket_number bigint not null,
    number        bigint not null default nextval('worklog_number') check (number < 1000000000000),
    text          text not null check (length(text) between 1 and 4000),
    visibility    text not null check (visibility in ('public', 'internal')),
    source        text not null check (source in ('buyer', 'seller', 'system')),
    channel       text not null,
    author        text not null,
    created_by    uuid,
    created_at    timestamptz not null,
    primary key (company_id, ticket_number, number),
    foreign key (company_id, ticket_number) references ticket (company_id, number)
);

-- One row a fact, written in the fact's transaction. Readers page by (xid, id) behind the oldest running transaction.
create table event (
    company_id    uuid not null references company,
    id            bigint not null generated always as identity,
    xid           xid8 not null default pg_current_xact_id(),
    at            timestamptz not null,
    type          text not null,
    ticket_number bigint not null,
    note_number   bigint,
    actor_id      uuid,
    actor_name    text not null,
    data          jsonb not null,
    primary key (company_id, id)
);
create index event_cursor on event (xid, id);
create index event_by_ticket on event (company_id, ticket_number, id);

create table idempotency_key (
    company_id  uuid not null,
    api_key_id  uuid not null,
    route       text not null,
    key         text not null check (length(key) between 1 and 255),
    fingerprint bytea not null,
    status      smallint not null,
    body        bytea not null,
    created_at  timestamptz not null,
    primary key (company_id, api_key_id, route, key)
);
create index idempotency_key_age on idempotency_key (created_at);
