-- Why:   an address that a customer gave to one of its users is unconfirmed until the person proves it or the provider
--        vouches for it; mail to such addresses (one invitation, the notice to a replaced address) waits in account_mail.
-- Order: before the first start of the code. Users that exist count as confirmed, and so do those that older processes add.
-- Locks: app_user for a moment, since no row is rewritten. Gives up after 5 s of waiting for a lock.

set local lock_timeout = '5s';

alter table app_user add column is_confirmed boolean not null default true;
create index app_user_unconfirmed on app_user (company_id, lower(email)) where not is_confirmed;

-- sent_at: when the mail was handed to the outbound queue.
create table account_mail (
    company_id uuid not null references company,
    id         uuid not null,
    kind       text not null check (kind in ('invitation', 'address_changed')),
    address    text not null check (address = lower(address) and length(address) between 3 and 254),
    created_at timestamptz not null,
    sent_at    timestamptz,
    primary key (company_id, id)
);
create unique index account_mail_invitation on account_mail (company_id, address) where kind = 'invitation';
create index account_mail_recent on account_mail (company_id, created_at) where kind = 'invitation';
create index account_mail_unsent on account_mail (created_at, company_id, id) where sent_at is null;
create index account_mail_by_id on account_mail (id);
