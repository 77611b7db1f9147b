-- Why:   metrics say when the last backup was made, and how many deliveries are dead.
-- Order: before the first start of the code.
-- Locks: delivery against writes while its index is built, some seconds for a million rows; workers write it, no request.
-- Compatible: yes

-- The newest backup that clearline backup made of this database: one row at most.
create table last_backup (
    only_one  boolean primary key default true check (only_one),
    made_at   timestamptz not null,
    seconds   double precision not null,
    bytes     bigint not null
);

create index delivery_dead on delivery (company_id, subscription_id) where state = 'dead';
