-- Why:   ticket templates, with which the provider's people or those of a company begin a ticket.
-- Order: before the first start of the code.
-- Locks: none on existing tables.

create table ticket_template (
    company_id  uuid not null references company,
    id          uuid not null,
    name        text not null check (length(name) between 1 and 255),
    title       text not null default '' check (length(title) <= 255),
    description text not null default '' check (length(description) <= 32768),
    issue_type  text,
    priority    text check (priority in ('critical', 'high', 'medium', 'low')),
    service_id  text check (length(service_id) between 1 and 64),
    fields      jsonb not null default '{}' check (jsonb_typeof(fields) = 'object'),
    queue_id    uuid references queue on delete set null,
    tags        text[] not null default '{}',
    created_at  timestamptz not null,
    primary key (company_id, id)
);
create unique index ticket_template_name on ticket_template (company_id, lower(name));
create index ticket_template_by_id on ticket_template (id);
