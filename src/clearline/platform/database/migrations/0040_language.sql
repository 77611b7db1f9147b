-- Why:   a person, a company and the desk (the provider's row) can each have a language; null follows the next of them.
-- Order: before the first start of the code.
-- Locks: app_user and company, for a moment each: nothing is written to the rows.

alter table app_user add column language text;
alter table company add column language text;
