-- Processes keep the labels of tiers in memory, like the rest of the catalogue.
create trigger tier_changed after insert or update or delete on tier
    for each statement execute function tell_catalogue_changed();
