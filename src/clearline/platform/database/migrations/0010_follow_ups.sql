-- Why:   an answer to a finished ticket creates a ticket that follows it, and a link says so.
-- Order: before the first start of the code. Older processes cannot read links of the new types: stop them first, or set
--        CLEARLINE_FOLLOW_UP_TICKETS=off until they are stopped.
-- Locks: ticket_link for as long as its rows are read once, about a second for a million. Gives up after 5 s of waiting
--        for a lock.

set local lock_timeout = '5s';

alter table ticket_link drop constraint ticket_link_type_check;
alter table ticket_link add constraint ticket_link_type_check check (type in
    ('related', 'duplicates', 'duplicated_by', 'causes', 'caused_by', 'parent_of', 'child_of', 'split_into', 'split_from',
     'followed_up_by', 'follow_up_of'));
