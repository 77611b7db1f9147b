-- Why:   the files of a company have a limit in bytes, and each upload adds them up.
-- Order: before the first start of the code; older processes do not use the index.
-- Locks: attachment against writes while the index is built, about a second for a million files. Gives up after 5 s of
--        waiting for a lock.

set local lock_timeout = '5s';

create index attachment_size on attachment (company_id) include (size);
