-- Why:   customers read on the pages when and how the provider's support is reached.
-- Order: before the first start of the code.
-- Locks: none on existing tables.

-- What the provider says about its support. There is one row.
create table branding (
    only_row      boolean primary key default true check (only_row),
    support_hours text not null default '' check (length(support_hours) <= 200),
    support_phone text not null default '' check (length(support_phone) <= 40),
    footer        text not null default '' check (length(footer) <= 500)
);
insert into branding default values;
