-- Why:   a ticket template can be for services of one type.
-- Order: before the first start of the code.
-- Locks: access exclusive on ticket_template, for a moment.

alter table ticket_template add column service_type text check (length(service_type) between 1 and 64);
