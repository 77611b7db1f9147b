-- Why:   the desk behind the wire: staff, teams, queues, routing, tags, links, merges, attachments, search, jobs.
-- Order: before the first start of the code.
-- Locks: ticket, event, app_user, company and idempotency_key briefly, for new columns with constant defaults;
--        ticket and event for as long as their indexes take to build. Gives up after 5 s of waiting for a lock.

set local lock_timeout = '5s';
-- All at once and first, in the order in which requests take them: no wait in the middle of the work, and no deadlock.
lock table idempotency_key, ticket, event, api_key, app_user, company in access exclusive mode;

-- The provider is a company too: its people are the desk's, and their keys work like everybody's.
alter table company add column is_provider boolean not null default false;
create unique index company_provider on company (is_provider) where is_provider;
insert into company (id, name, code, created_at, is_provider)
select '00000000-0000-4000-8000-000000000001',
       case when taken then 'The provider of this desk' else 'Provider' end,
       case when taken then 'THE-PROVIDER-OF-THIS-DESK' else 'PROVIDER' end, now(), true
  from (select exists (select from company where 'provider' in (lower(name), lower(code))) as taken) names;

alter table app_user
    add column role text not null default 'customer'
        check (role in ('admin', 'agent', 'viewer', 'customer_admin', 'customer')),
    add column is_active boolean not null default true,
    add column is_available boolean not null default true,
    add column version integer not null default 1;

create index api_key_by_age on api_key (company_id, created_at, id);

create table team (
    id         uuid primary key,
    name       text not null check (length(name) between 1 and 255),
    created_at timestamptz not null
);
create unique index team_name on team (lower(name));

create table team_member (
    team_id uuid not null references team on delete cascade,
    user_id uuid not null,
    primary key (team_id, user_id)
);

-- last_assignee_id: who got the last ticket of a queue that takes turns.
create table queue (
    id               uuid primary key,
    name             text not null check (length(name) between 1 and 255),
    description      text not null default '' check (length(description) <= 1000),
    team_id          uuid references team,
    assignment       text not null check (assignment in ('manual', 'round_robin', 'least_loaded')),
    last_assignee_id uuid,
    created_at       timestamptz not null
);
create unique index queue_name on queue (lower(name));

-- The first active rule whose every condition holds routes a ticket; an empty list is no condition.
create table routing_rule (
    id            uuid primary key,
    position      integer not null,
    name          text not null check (length(name) between 1 and 255),
    queue_id      uuid not null references queue on delete cascade,
    issue_types   text[] not null default '{}',
    service_types text[] not null default '{}',
    company_ids   uuid[] not null default '{}',
    priorities    text[] not null default '{}',
    keywords      text[] not null default '{}',
    is_active     boolean not null default true,
    created_at    timestamptz not null
);
create index routing_rule_in_order on routing_rule (position, id);

alter table ticket
    add column asked_severity text check (asked_severity in ('minor', 'moderate', 'significant', 'extensive')),
    add column asked_priority text check (asked_priority in ('low', 'medium', 'high', 'critical')),
    add column queue_id       uuid references queue,
    add column assignee_id    uuid,
    add column tags           text[] not null default '{}' check (cardinality(tags) <= 50),
    add column external_ids   jsonb not null default '{}';
create index ticket_open on ticket (number) where is_open;
create index ticket_by_service on ticket (company_id, service_id, number);
create index ticket_open_by_queue on ticket (queue_id, number) include (assignee_id)
    where is_open and queue_id is not null;
create index ticket_open_by_assignee on ticket (assignee_id, number) where is_open and assignee_id is not null;
create index ticket_resolved on ticket (status_changed_at) where status = 'resolved';
-- What another system calls a ticket; a ticket that no other system knows costs this index nothing.
create index ticket_external on ticket using gin (external_ids jsonb_path_ops) with (fastupdate = off)
    where external_ids <> '{}';

create table ticket_watcher (
    company_id      uuid not null,
    ticket_number   bigint not null,
    user_company_id uuid not null,
    user_id         uuid not null,
    created_at      timestamptz not null,
    primary key (company_id, ticket_number, user_id),
    foreign key (company_id, ticket_number) references ticket (company_id, number)
);

-- One row for each end of a link, so that either company's rows hold what it may know.
create table ticket_link (
    company_id       uuid not null,
    ticket_number    bigint not null,
    id               uuid not null,
    type             text not null check (type in
        ('related', 'duplicates', 'duplicated_by', 'causes', 'caused_by', 'parent_of', 'child_of', 'split_into', 'split_from')),
    other_company_id uuid not null,
    other_number     bigint not null,
    created_at       timestamptz not null,
    primary key (company_id, ticket_number, id),
    foreign key (company_id, ticket_number) references ticket (company_id, number)
);
create unique index ticket_link_once on ticket_link (company_id, ticket_number, type, other_number);

-- What has to be known to undo a merge. The merged ticket keeps its own notes; readers of the other one see both.
create table ticket_merge (
    company_id    uuid not null,
    ticket_number bigint not null,
    into_number   bigint not null,
    status_before text not null,
    merged_at     timestamptz not null,
    primary key (company_id, ticket_number),
    foreign key (company_id, ticket_number) references ticket (company_id, number),
    foreign key (company_id, into_number) references ticket (company_id, number)
);
create index ticket_merge_into on ticket_merge (company_id, into_number);

create table attachment (
    company_id    uuid not null,
    ticket_number bigint not null,
    id            uuid not null,
    name          text not null check (length(name) between 1 and 255),
    media_type    text not null check (length(media_type) between 3 and 127),
    size          bigint not null check (size >= 0),
    sha256        bytea not null check (length(sha256) = 32),
    visibility    text not null check (visibility in ('public', 'internal')),
    source        text not null check (source in ('buyer', 'seller', 'system')),
    author        text not null,
    created_by    uuid,
    created_at    timestamptz not null,
    primary key (company_id, ticket_number, id),
    foreign key (company_id, ticket_number) references ticket (company_id, number)
);
-- No two rows share their bytes; and whether bytes have a row is known without reading all of them.
create unique index attachment_by_id on attachment (company_id, id);

-- Derived from ticket and note by a worker that follows the events; may be emptied and made again at any time.
-- Weights: A identifiers, B title, service, contact; C description and public notes; D what only the provider sees,
-- whose words are other words: they begin with a tilde.
create table ticket_search (
    company_id uuid not null,
    number     bigint not null,
    vector     tsvector not null,
    primary key (company_id, number)
);
create index ticket_search_newest on ticket_search (number);
create index ticket_search_vector on ticket_search using gin (vector) with (fastupdate = off);

-- How far each reader of the events has come.
create table consumer (
    name text primary key,
    xid  xid8 not null,
    id   bigint not null
);
-- Tickets that were there before are not routed; all of them are made findable.
insert into consumer select 'routing', xid, id from event order by xid desc, id desc limit 1;

create table macro (
    id         uuid primary key,
    name       text not null check (length(name) between 1 and 255),
    text       text not null default '' check (length(text) <= 4000),
    visibility text not null default 'public' check (visibility in ('public', 'internal')),
    status     text,
    queue_id   uuid references queue on delete set null,
    priority   text,
    add_tags   text[] not null default '{}',
    created_at timestamptz not null
);
create unique index macro_name on macro (lower(name));

create table saved_view (
    company_id uuid not null references company,
    id         uuid not null,
    user_id    uuid not null,
    name       text not null check (length(name) between 1 and 255),
    query      text not null check (length(query) <= 1000),
    is_shared  boolean not null default false,
    created_at timestamptz not null,
    primary key (company_id, id),
    foreign key (company_id, user_id) references app_user (company_id, id)
);
create unique index saved_view_name on saved_view (company_id, user_id, lower(name));
create index saved_view_by_name on saved_view (company_id, lower(name), id);

create table job (
    company_id  uuid not null references company,
    id          uuid not null,
    kind        text not null check (kind in ('bulk', 'import')),
    state       text not null check (state in ('waiting', 'running', 'done', 'cancelled')),
    request     jsonb not null,
    dry_run     boolean not null,
    total       integer not null,
    user_id     uuid,
    actor_name  text not null,
    scopes      text[] not null,
    created_at  timestamptz not null,
    finished_at timestamptz,
    primary key (company_id, id)
);
create index job_unfinished on job (created_at, id) where state in ('waiting', 'running');
create index job_by_id on job (id);
create index job_newest on job (created_at, id);
create index job_of_user on job (company_id, user_id, created_at, id);

create table job_item (
    company_id    uuid not null,
    job_id        uuid not null,
    position      integer not null,
    input         jsonb not null,
    outcome       text check (outcome in ('done', 'unchanged', 'refused')),
    ticket_number bigint,
    code          text,
    detail        text,
    primary key (company_id, job_id, position),
    foreign key (company_id, job_id) references job (company_id, id) on delete cascade
);
create index job_item_waiting on job_item (company_id, job_id, position) where outcome is null;

create table server_secret (
    name  text primary key,
    value bytea not null
);

-- A fact need not be about a ticket any more: people, keys, queues and the rest change too.
alter table event alter column ticket_number drop not null;

-- The audit reads the log newest first: everything, what one person did, or what is about no ticket.
create index event_by_time on event (at, id);
create index event_of_records on event (at, id) where ticket_number is null;
create index event_of_company_records on event (company_id, id) where ticket_number is null;

alter table idempotency_key add column location text;
