-- Why:   people who get mail stop a kind of it with one click (RFC 8058).
-- Order: before the first start of the code; older processes go on sending what somebody stopped.
-- Locks: none that anything waits for.

-- topic: 'digest', 'tickets', 'webhooks', or 'ticket ' and its number.
create table mail_opt_out (
    company_id uuid not null references company,
    recipient  text not null check (recipient = lower(recipient) and length(recipient) between 3 and 254),
    topic      text not null check (length(topic) between 1 and 64),
    created_at timestamptz not null,
    primary key (company_id, recipient, topic)
);
