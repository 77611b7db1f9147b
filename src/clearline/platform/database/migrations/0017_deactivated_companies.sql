-- Why:   a company says that it is deactivated, and what that ended, so that its activation brings back no more.
-- Order: before the first start of the code. Companies that older versions deactivated count as active.
-- Locks: company for a moment. Gives up after 5 s of waiting for a lock.

set local lock_timeout = '5s';

-- ended: the users and the subscriptions that were active, and whether contacts got mail.
alter table company add column deactivated_at timestamptz, add column ended jsonb,
    add constraint company_ended check ((deactivated_at is null) = (ended is null));
