-- Why:   pages and mail show the logo of the provider, in every process and on every node.
-- Order: before the first start of the code.
-- Locks: none on existing tables.

-- The logo for each theme, as PNG. Its name tells its content and size.
create table logo (
    theme   text primary key check (theme in ('light', 'dark')),
    name    text not null check (name ~ '^[0-9a-f]{24}-[1-9][0-9]{0,2}x[1-9][0-9]{0,2}$'),
    content bytea not null check (length(content) between 1 and 102400)
);
create trigger logo_changed after insert or update or delete on logo
    for each statement execute function tell_branding_changed();
