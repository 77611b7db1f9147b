-- Why:   an admin chooses the hue of the accent, and pages have it at once in every process.
-- Order: before the first start of the code.
-- Locks: ACCESS EXCLUSIVE on branding, which has one row, for a moment.

alter table branding add column accent_hue smallint check (accent_hue between 0 and 359);

-- Whoever keeps the branding in memory hears at once that it changed.
create function tell_branding_changed() returns trigger language plpgsql as $$
begin
    perform pg_notify('clearline_branding', '');
    return null;
end $$;
create trigger branding_changed after insert or update or delete on branding
    for each statement execute function tell_branding_changed();
