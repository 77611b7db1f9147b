-- Why:   the search finds tickets by their own fields, and lists are sorted by the numbers of a company's.
-- Order: before the first start of the code. The workers rebuild the index of a desk that has tickets.
-- Locks: SHARE on ticket_field while the index is built; it has a row for each value of an own field.

update search_index set format = 5, building = null, below = null where format = 4 and not exists (select from ticket);

create index ticket_field_company_number on ticket_field (company_id, field_id, number, ticket_number)
    where number is not null;
