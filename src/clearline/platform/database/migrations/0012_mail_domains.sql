-- Why:   a domain that is bound to a company confirms the addresses of its users; invitations can be sent again, and the
--        provider can refuse that a company claims an address.
-- Order: before the first start of the code. Older processes do not use the table and the columns.
-- Locks: account_mail, which is small, while its indexes are built; app_user against writes while an index of its
--        unconfirmed users is built. Gives up after 5 s of waiting for a lock.

set local lock_timeout = '5s';

-- name: in ASCII (A-labels) and small letters. token: what the TXT record has to say. waiting_since: since when the record
-- of a pending domain is looked for, or that of a verified one is missing. due_at: when it is looked for next.
create table mail_domain (
    company_id          uuid not null references company,
    id                  uuid not null,
    name                text not null check (name = lower(name) and length(name) between 3 and 253),
    includes_subdomains boolean not null,
    state               text not null check (state in ('pending', 'verified', 'failed')),
    verified_by         text check (verified_by in ('dns', 'staff')),
    reason              text check (length(reason) <= 255),
    token               text not null,
    created_at          timestamptz not null,
    verified_at         timestamptz,
    checked_at          timestamptz,
    waiting_since       timestamptz,
    due_at              timestamptz,
    primary key (company_id, id)
);
create unique index mail_domain_name on mail_domain (company_id, name);
-- The one unique constraint across companies beside the names of the companies themselves: a domain is one company's.
create unique index mail_domain_verified on mail_domain (name) where state = 'verified';
create index mail_domain_due on mail_domain (due_at, company_id, id) where due_at is not null;

-- reminders: how often an invitation was sent again. refused_at: when the provider refused the claim of the address.
alter table account_mail add column reminders integer not null default 0, add column reminded_at timestamptz,
    add column refused_at timestamptz;
create index account_mail_of_company on account_mail (company_id, created_at);
create index account_mail_reminded on account_mail (company_id, reminded_at) where reminded_at is not null;
drop index account_mail_recent;
create index app_user_claimed on app_user (lower(email), company_id) where not is_confirmed;
