-- Why:   events out: streams by company, subscriptions and their deliveries, mail out and in, what people want to hear of.
-- Order: before the first start of the code.
-- Locks: event, ticket, app_user and company, all for as long as the new key of event takes to build: the desk stands
--        still meanwhile. Gives up after 5 s of waiting for a lock.

set local lock_timeout = '5s';
lock table ticket, event, app_user, company in access exclusive mode;

-- Readers of one company's events go in the log's order.
alter table event drop constraint event_pkey, add primary key (company_id, xid, id);

-- Whether the contact of a ticket is written to when something happens that it may know.
alter table company add column mails_contacts boolean not null default true;

-- Where events are sent to. generation: which secret signs; the one before signs too until previous_until.
-- failures: how often in a row the receiver could not be reached; resume_at: when it is tried again.
create table subscription (
    company_id      uuid not null references company,
    id              uuid not null,
    url             text not null check (length(url) between 1 and 2000),
    description     text not null default '' check (length(description) <= 255),
    types           text[] not null default '{}' check (cardinality(types) <= 50),
    is_active       boolean not null default true,
    disabled_reason text check (length(disabled_reason) <= 255),
    generation      integer not null default 1,
    previous_until  timestamptz,
    failures        integer not null default 0,
    failing_since   timestamptz,
    resume_at       timestamptz,
    created_by      uuid,
    created_at      timestamptz not null,
    updated_at      timestamptz not null,
    primary key (company_id, id)
);
create index subscription_by_age on subscription (company_id, created_at, id);
create index subscription_active on subscription (company_id, id) where is_active;

-- One event on its way to one subscription. The body is kept: a retry sends what was sent before. refusals: how often in
-- a row the receiver refused this one. due_at: when it is tried; claimed_until: until then it is somebody's alone, and
-- due_at is the same moment.
create table delivery (
    company_id      uuid not null,
    subscription_id uuid not null,
    number          bigint not null generated always as identity,
    id              uuid not null,
    event_id        bigint,
    type            text not null,
    ticket_number   bigint,
    body            bytea not null check (length(body) <= 100000),
    state           text not null check (state in ('waiting', 'delivered', 'dead')),
    attempts        integer not null default 0,
    refusals        integer not null default 0,
    due_at          timestamptz,
    claimed_until   timestamptz,
    created_at      timestamptz not null,
    finished_at     timestamptz,
    primary key (company_id, subscription_id, number),
    foreign key (company_id, subscription_id) references subscription (company_id, id) on delete cascade
);
create unique index delivery_by_id on delivery (company_id, id);
create index delivery_due on delivery (company_id, subscription_id, due_at, number) where state = 'waiting';
create index delivery_ping on delivery (company_id, subscription_id, due_at, number)
    where state = 'waiting' and event_id is null;
create index delivery_of_ticket on delivery (company_id, subscription_id, ticket_number, number) where state = 'waiting';
create index delivery_open on delivery (company_id, subscription_id, number) where state <> 'delivered';
create index delivery_finished on delivery (finished_at) where state <> 'waiting';

create table delivery_attempt (
    company_id      uuid not null,
    subscription_id uuid not null,
    delivery_number bigint not null,
    number          integer not null,
    at              timestamptz not null,
    milliseconds    integer not null,
    status          integer,
    error           text check (length(error) <= 255),
    answer          text not null default '' check (length(answer) <= 2000),
    primary key (company_id, subscription_id, delivery_number, number),
    foreign key (company_id, subscription_id, delivery_number)
        references delivery (company_id, subscription_id, number) on delete cascade
);

-- Where mail comes in: an address that the listener takes mail for, or a mailbox that is polled over IMAP as well.
create table mailbox (
    id           uuid primary key,
    address      text not null check (length(address) between 3 and 254),
    name         text not null default '' check (length(name) <= 255),
    queue_id     uuid references queue on delete set null,
    is_active    boolean not null default true,
    imap_host    text check (length(imap_host) <= 255),
    imap_port    integer check (imap_port between 1 and 65535),
    imap_tls     boolean not null default true,
    imap_user    text check (length(imap_user) <= 255),
    imap_secret  bytea,
    imap_folder  text not null default 'INBOX' check (length(imap_folder) <= 255),
    polled_at    timestamptz,
    last_error   text check (length(last_error) <= 255),
    created_at   timestamptz not null
);
create unique index mailbox_address on mailbox (lower(address));

-- Every mail that came in, as it came, and what became of it. fingerprint: the same mail is taken once.
create table inbound_mail (
    id             uuid primary key,
    mailbox_id     uuid references mailbox on delete set null,
    received_at    timestamptz not null,
    fingerprint    bytea not null check (length(fingerprint) = 32),
    body_hash      bytea not null check (length(body_hash) = 32),
    envelope_from  text not null,
    envelope_to    text not null,
    sender         text not null default '',
    subject        text not null default '',
    message_id     text,
    size           integer not null,
    raw            bytea,
    state          text not null check (state in ('waiting', 'accepted', 'quarantined', 'ignored', 'bounce', 'discarded')),
    reason         text check (length(reason) <= 255),
    company_id     uuid,
    ticket_number  bigint,
    note_number    bigint,
    attempts       integer not null default 0,
    claimed_until  timestamptz,
    decided_by     uuid,
    decided_at     timestamptz
);
create unique index inbound_mail_once on inbound_mail (fingerprint);
create index inbound_mail_waiting on inbound_mail (received_at, id) where state = 'waiting';
create index inbound_mail_by_state on inbound_mail (state, received_at, id);
create index inbound_mail_newest on inbound_mail (received_at, id);
create index inbound_mail_of_sender on inbound_mail (lower(sender), received_at);
create index inbound_mail_by_message on inbound_mail (message_id, mailbox_id) where message_id is not null;
create index inbound_mail_old on inbound_mail ((coalesce(decided_at, received_at)))
    where raw is not null and state <> 'waiting';

-- Who a mail is from, before it is known which company it is about.
create index app_user_by_address on app_user (lower(email));

-- Which ticket a Message-ID belongs to, of mail in either direction. recipient: whom we wrote to, in small letters; empty
-- for mail that came in.
create table mail_reference (
    company_id    uuid not null,
    ticket_number bigint not null,
    message_id    text not null check (length(message_id) <= 998),
    recipient     text not null default '',
    created_at    timestamptz not null,
    primary key (company_id, ticket_number, message_id),
    foreign key (company_id, ticket_number) references ticket (company_id, number)
);
create index mail_reference_by_id on mail_reference (message_id);
create index mail_reference_in_order on mail_reference (company_id, ticket_number, recipient, created_at, message_id);

-- Mail on its way out. The message is kept as it is sent. number: the order in which they were written.
create table outbound_mail (
    company_id    uuid not null references company,
    id            uuid not null,
    number        bigint not null generated always as identity,
    recipient     text not null check (length(recipient) between 3 and 254),
    user_id       uuid,
    subject       text not null,
    kind          text not null,
    ticket_number bigint,
    message_id    text not null,
    message       bytea not null,
    state         text not null check (state in ('waiting', 'sent', 'dead', 'bounced')),
    attempts      integer not null default 0,
    due_at        timestamptz not null,
    claimed_until timestamptz,
    last_error    text check (length(last_error) <= 500),
    created_at    timestamptz not null,
    finished_at   timestamptz,
    primary key (company_id, id)
);
create index outbound_mail_by_id on outbound_mail (id);
create index outbound_mail_waiting on outbound_mail (due_at, number) where state = 'waiting';
create index outbound_mail_in_order on outbound_mail (company_id, ticket_number, lower(recipient), number)
    where state = 'waiting';
create index outbound_mail_of_recipient on outbound_mail (lower(recipient), created_at);
create index outbound_mail_to_contacts on outbound_mail (company_id, created_at)
    where user_id is null and kind = 'notification';
create index outbound_mail_newest on outbound_mail (created_at, id);
create index outbound_mail_by_state on outbound_mail (state, created_at, id);
create index outbound_mail_by_message on outbound_mail (message_id);
create index outbound_mail_of_ticket on outbound_mail (company_id, ticket_number, created_at, id) where ticket_number is not null;
create index outbound_mail_finished on outbound_mail (finished_at) where state <> 'waiting';

-- Addresses that mail is not sent to: they bounced, or somebody asked for it.
create table mail_suppression (
    address    text primary key check (address = lower(address)),
    reason     text not null check (reason in ('bounce', 'manual')),
    detail     text not null default '' check (length(detail) <= 255),
    created_at timestamptz not null
);

-- What a person wants to hear of. Without a row, and for events without a rule, the defaults hold.
create table notification_settings (
    company_id  uuid not null,
    user_id     uuid not null,
    time_zone   text not null default 'UTC',
    quiet_from  time,
    quiet_to    time,
    quiet_days  integer[] not null default '{}',
    digest      text not null default 'daily' check (digest in ('hourly', 'daily')),
    digest_at   time not null default '08:00',
    rules       jsonb not null default '{}',
    version     integer not null default 1,
    primary key (company_id, user_id),
    foreign key (company_id, user_id) references app_user (company_id, id) on delete cascade
);

-- What somebody is still to be told, once it is due.
create table notification (
    company_id        uuid not null references company,
    id                bigint not null generated always as identity,
    recipient         text not null,
    user_company_id   uuid,
    user_id           uuid,
    ticket_number     bigint not null,
    note_number       bigint,
    event_id          bigint not null,
    type              text not null,
    data              jsonb not null,
    actor_name        text not null,
    at                timestamptz not null,
    channel           text not null check (channel in ('email', 'digest')),
    due_at            timestamptz not null,
    primary key (company_id, id)
);
create index notification_due on notification (due_at, recipient, id);
create index notification_of_recipient on notification (recipient, due_at, id);
create unique index notification_once on notification (company_id, event_id, recipient);

-- What happened before has been told, or nobody was to be told.
insert into consumer select name, xid, id from (select xid, id from event order by xid desc, id desc limit 1) last,
    unnest(array['webhooks', 'notifications']) name;
