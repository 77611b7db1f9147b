-- Why:   a note that was made from a mail names the mail, and keeps the text of the mail that was trimmed (quote,
--        signature); the mails of a ticket are listed.
-- Order: before the first start of the code; older processes write notes without either.
-- Locks: note for a moment, since no row is rewritten; inbound_mail against writes while its index is built. Gives up
--        after 5 s of waiting for a lock.

set local lock_timeout = '5s';

alter table note add column mail_id uuid, add column trimmed_text text;
create index inbound_mail_of_ticket on inbound_mail (company_id, ticket_number, received_at, id)
    where ticket_number is not null;
