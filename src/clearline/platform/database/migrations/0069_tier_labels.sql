-- Why:   processes keep the labels of tiers in memory, like the rest of the catalogue.
-- Order: before the first start of the code.
-- Locks: SHARE ROW EXCLUSIVE on tier for a moment.

create trigger tier_changed after insert or update or delete on tier
    for each statement execute function tell_catalogue_changed();
