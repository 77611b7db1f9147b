-- Why:   mail about the tickets of a queue can have a sender of its own: the name and the address in From.
-- Order: before the first start of the code.
-- Locks: the table queue, exclusively, for a moment; the defaults rewrite no rows.

alter table queue
    add column sender_name    text not null default '' check (length(sender_name) <= 100),
    add column sender_address text not null default '' check (length(sender_address) <= 254);
