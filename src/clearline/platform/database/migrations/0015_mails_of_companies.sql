-- Why:   the mails of a company's senders have a limit in an hour, and each mail counts them.
-- Order: before the first start of the code; older processes do not use the index.
-- Locks: inbound_mail against writes while the index is built, about a second for a million mails. Gives up after 5 s of
--        waiting for a lock.

set local lock_timeout = '5s';

create index inbound_mail_of_company on inbound_mail (company_id, received_at) where state = 'accepted';
