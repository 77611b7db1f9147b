-- Why:   customers find tickets by the words of the own fields that they see, and everybody by those of the service.
-- Order: before or after the first start of the code. The workers rebuild the index of a desk that has tickets.
-- Locks: none.

update search_index set format = 6, building = null, below = null where format = 5 and not exists (select from ticket);
