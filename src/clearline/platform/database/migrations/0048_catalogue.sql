-- Why:   the types of issues and services are the provider's own data.
-- Order: before the first start of the code.
-- Locks: service, for a moment.

-- A published key is also a word of the Console Connect API. The customer's name and the German ones may be empty: then
-- the name is shown.
create table issue_type (
    id               uuid primary key,
    key              text not null check (length(key) between 1 and 64),
    name             text not null check (length(name) between 1 and 64),
    customer_name    text not null default '' check (length(customer_name) <= 64),
    customer_name_de text not null default '' check (length(customer_name_de) <= 64),
    help             text not null default '' check (length(help) <= 255),
    help_de          text not null default '' check (length(help_de) <= 255),
    is_active        boolean not null default true,
    position         integer not null check (position between 0 and 9999),
    console_connect  text not null,
    severity         text not null check (severity in ('minor', 'moderate', 'significant', 'extensive')),
    impact           text not null check (impact in ('degraded', 'intermittent', 'down')),
    priority         text not null check (priority in ('low', 'medium', 'high', 'critical')),
    service_types    text[] not null default '{}',
    created_at       timestamptz not null,
    check (console_connect in (
        'Application', 'Circuit Down', 'Circuit Flapping', 'Circuit taking errors', 'High Latency',
        'Operational Request', 'Others', 'Packet Loss/Drops', 'Request Reason of Outage', 'Slow Response', 'Unstable'))
);
create unique index issue_type_key on issue_type (lower(key));
create unique index issue_type_name on issue_type (lower(name));

create table service_type (
    id               uuid primary key,
    key              text not null check (length(key) between 1 and 64),
    name             text not null check (length(name) between 1 and 64),
    customer_name    text not null default '' check (length(customer_name) <= 64),
    customer_name_de text not null default '' check (length(customer_name_de) <= 64),
    help             text not null default '' check (length(help) <= 255),
    help_de          text not null default '' check (length(help_de) <= 255),
    is_active        boolean not null default true,
    position         integer not null check (position between 0 and 9999),
    console_connect  text not null,
    created_at       timestamptz not null,
    check (console_connect in (
        'Port', 'CloudRouter', 'Internet on Demand', 'Connection (L2)', 'Non-Console Service'))
);
create unique index service_type_key on service_type (lower(key));
create unique index service_type_name on service_type (lower(name));

-- Whoever keeps the catalogue in memory hears at once that it changed. Each table of the catalogue has such a trigger.
create function tell_catalogue_changed() returns trigger language plpgsql as $$
begin
    perform pg_notify('clearline_catalogue', '');
    return null;
end $$;
create trigger issue_type_changed after insert or update or delete on issue_type
    for each statement execute function tell_catalogue_changed();
create trigger service_type_changed after insert or update or delete on service_type
    for each statement execute function tell_catalogue_changed();

insert into service_type (id, key, name, position, console_connect, created_at)
select gen_random_uuid(), word, word, 10 * place, word, now()
  from unnest(array['Port', 'Connection (L2)', 'CloudRouter', 'Internet on Demand', 'Non-Console Service'])
       with ordinality as published (word, place);

-- What stops the most traffic first.
insert into issue_type (id, key, name, customer_name, customer_name_de, help, help_de, position, console_connect,
                        severity, impact, priority, created_at)
select gen_random_uuid(), word, word, customer_name, customer_name_de, help, help_de, position, word, severity, impact,
       priority, now()
  from (values
    ('Circuit Down', 'Down', 'Ausfall',
     'No traffic passes', 'Es kommt kein Verkehr durch', 10, 'extensive', 'down', 'critical'),
    ('Circuit Flapping', 'Flapping', 'Flapping',
     'The link goes down and up again', 'Die Verbindung fällt aus und kommt wieder', 20,
     'significant', 'intermittent', 'high'),
    ('Unstable', 'Unstable', 'Instabil',
     'It works at times only', 'Er funktioniert nur zeitweise', 30, 'significant', 'intermittent', 'high'),
    ('Packet Loss/Drops', 'Packet loss', 'Paketverlust',
     'Some packets do not arrive', 'Manche Pakete kommen nicht an', 40, 'moderate', 'degraded', 'medium'),
    ('Circuit taking errors', 'Errors', 'Fehler',
     'CRC or input errors rise', 'CRC- oder Eingangsfehler steigen', 50, 'moderate', 'degraded', 'medium'),
    ('High Latency', 'High latency', 'Hohe Latenz',
     'Packets take longer than usual', 'Pakete brauchen länger als sonst', 60, 'moderate', 'degraded', 'medium'),
    ('Slow Response', 'Slow', 'Langsam',
     'Less throughput than ordered', 'Weniger Durchsatz als bestellt', 70, 'moderate', 'degraded', 'medium'),
    ('Application', 'One application', 'Eine Anwendung',
     'The rest of the service works', 'Sonst funktioniert der Dienst', 80, 'minor', 'degraded', 'low'),
    ('Operational Request', 'A change or a task', 'Änderung oder Auftrag',
     'Nothing is broken', 'Nichts ist gestört', 90, 'minor', 'degraded', 'low'),
    ('Request Reason of Outage', 'Reason of an outage', 'Grund eines Ausfalls',
     'It is over, and you ask why', 'Er ist vorbei, Sie fragen nach der Ursache', 100, 'minor', 'degraded', 'low'),
    ('Others', 'Something else', 'Etwas anderes',
     'Describe it below', 'Beschreiben Sie es unten', 110, 'minor', 'degraded', 'low')
  ) as published (word, customer_name, customer_name_de, help, help_de, position, severity, impact, priority);

-- The inventory has services of the provider's own types, too.
alter table service drop constraint service_type_check,
    add constraint service_type_check check (length(type) between 1 and 64 and type <> 'Non-Console Service') not valid;
