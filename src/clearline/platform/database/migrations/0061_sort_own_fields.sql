-- Why:   the open tickets of a company are listed in the order of an own field.
-- Order: before the first start of the code.
-- Locks: SHARE on ticket_field while the indexes are built; it has a row for each value of an own field.

drop index ticket_field_company_number;
create index ticket_field_company_number on ticket_field (company_id, field_id, number, ticket_number)
    where number is not null and is_open;
create index ticket_field_company_open on ticket_field (company_id, field_id, value, ticket_number) where is_open;
