-- Why:   the messages of a ticket are sent in the order in which they were written, whatever postpones one of them; macros wait, too.
-- Order: before the first start of the code.
-- Locks: pending_message, which has some rows at most, while it is rewritten.

-- macro: the macro as it was when it was applied, whose values are set when the message is sent.
-- text is empty for one that only changes the ticket.
alter table pending_message
    add column position bigint generated always as identity,
    add column macro jsonb;
