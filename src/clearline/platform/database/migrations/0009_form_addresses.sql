-- Why:   mail of a web form has the address of its writer in Reply-To only.
-- Order: before the first start of the code; older processes ignore the column.
-- Locks: mailbox for a moment; the default needs no rewrite.

alter table mailbox add column form_addresses text[] not null default '{}'
    check (cardinality(form_addresses) <= 20);
