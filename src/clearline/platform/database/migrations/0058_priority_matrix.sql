-- Why:   the priority and severity that a new ticket begins with follow from impact, urgency as asked, and tier.
-- Order: before the first start of the code.
-- Locks: ACCESS EXCLUSIVE on company for the moment of CREATE TRIGGER.

-- Without a tier a cell is for every company whose tier has none; without an urgency, for customers who stated none.
create table priority_matrix (
    tier     text references tier,
    impact   text not null check (impact in ('degraded', 'intermittent', 'down')),
    urgency  text check (urgency in ('low', 'medium', 'high', 'critical')),
    priority text check (priority in ('low', 'medium', 'high', 'critical')),
    severity text check (severity in ('minor', 'moderate', 'significant', 'extensive')),
    unique nulls not distinct (tier, impact, urgency),
    check (priority is not null or severity is not null)
);

create trigger priority_matrix_changed after insert or update or delete on priority_matrix
    for each statement execute function tell_catalogue_changed();

-- Processes keep the tiers of companies in memory with the catalogue.
create trigger company_tier_changed after update of tier on company
    for each row when (old.tier is distinct from new.tier) execute function tell_catalogue_changed();
