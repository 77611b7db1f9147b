-- Why:   a desk without tickets has no entries of an older format; its first start warned about an index that is out of date.
-- Order: before or after the first start of the code.
-- Locks: none.

update search_index set format = 2, building = null, below = null where format = 1 and not exists (select from ticket);
