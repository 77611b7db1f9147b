-- Why:   services have the facts that a provider works with (state, ends, rate, carrier, the customer's label, tier), and
--        companies a tier, a time zone and addresses for notices by subject; services are found by these ids, too.
-- Order: before the first start of the code; older processes write none of the columns.
-- Locks: company and service while their columns are added, service against writes while its index is built again, half a
--        minute for a million rows. Gives up after 5 s of waiting for a lock.

set local lock_timeout = '5s';

-- The tiers of companies and services: a short list of the provider's. Keys never change; a retired tier stays readable.
create table tier (
    key        text primary key check (key ~ '^[a-z][a-z0-9_]{0,31}$'),
    label      text not null check (length(label) between 1 and 64),
    help       text not null default '' check (length(help) <= 500),
    position   integer not null,
    is_active  boolean not null default true,
    created_at timestamptz not null default now()
);
create unique index tier_label on tier (lower(label));
insert into tier (key, label, position) values ('gold', 'Gold', 1), ('silver', 'Silver', 2), ('bronze', 'Bronze', 3);

alter table company
    add column tier             text references tier,
    add column time_zone        text check (length(time_zone) between 1 and 64),
    add column notice_addresses jsonb;

alter table service
    add column state              text not null default 'active'
        check (state in ('ordered', 'active', 'suspended', 'ceased')),
    add column rate               bigint check (rate > 0),
    add column tier               text references tier,
    add column is_protected       boolean,
    add column installed_on       date,
    add column customer_label     text check (length(customer_label) between 1 and 255),
    add column carrier            text check (length(carrier) between 1 and 255),
    add column carrier_circuit_id text check (length(carrier_circuit_id) between 1 and 255),
    add column ends               jsonb,
    add column changed_at         timestamptz;

-- The services that one import changed, whose tickets are indexed again.
create index service_changed on service (company_id, changed_at) where changed_at is not null;

-- The words by which the provider's people find a service.
create function service_words(service) returns text[] language sql immutable parallel safe
return name_words(
    $1.id || ' ' || $1.label || ' ' || coalesce($1.customer_label, '') || ' ' || coalesce($1.carrier, '')
    || ' ' || coalesce($1.carrier_circuit_id, '')
    || ' ' || coalesce($1.ends #>> '{a,site}', '') || ' ' || coalesce($1.ends #>> '{a,device}', '')
    || ' ' || coalesce($1.ends #>> '{a,port}', '')
    || ' ' || coalesce($1.ends #>> '{z,site}', '') || ' ' || coalesce($1.ends #>> '{z,device}', '')
    || ' ' || coalesce($1.ends #>> '{z,port}', ''));

drop index service_by_words;
create index service_by_words on service using gin (array_to_tsvector(service_words(service)))
    with (fastupdate = off);

-- A desk without tickets has no entries of an older format.
update search_index set format = 3, building = null, below = null where format = 2 and not exists (select from ticket);
