-- Why:   the provider's own lists: why a ticket waits, what is being done about it, what was found and done.
-- Order: before the first start of the code.
-- Locks: ticket and macro, for a moment.

-- A key never changes: tickets keep it. What has no wording for customers is not shown to them.
create table term (
    id                uuid primary key,
    kind              text not null
        check (kind in ('waiting_reason', 'sub_status', 'fault_cause', 'fault_action', 'responsibility')),
    key               text not null check (key ~ '^[a-z][a-z0-9_]{0,39}$'),
    label             text not null check (length(label) between 1 and 64),
    customer_label    text not null default '' check (length(customer_label) <= 64),
    customer_label_de text not null default '' check (length(customer_label_de) <= 64),
    help              text not null default '' check (length(help) <= 255),
    statuses          text[] not null default '{}',
    is_customer_time  boolean not null default false,
    is_active         boolean not null default true,
    position          integer not null check (position between 0 and 9999),
    created_at        timestamptz not null,
    unique (kind, key),
    check (kind <> 'waiting_reason' or (statuses <@ '{pending,held}' and cardinality(statuses) between 1 and 2)),
    check (kind <> 'sub_status' or cardinality(statuses) = 1),
    check (kind in ('waiting_reason', 'sub_status') or (statuses = '{}' and customer_label = '')),
    check (customer_label <> '' or customer_label_de = ''),
    check (kind = 'waiting_reason' or not is_customer_time)
);
create trigger term_changed after insert or update or delete on term
    for each statement execute function tell_catalogue_changed();

insert into term (id, kind, key, label, customer_label, customer_label_de, help, statuses, is_customer_time, position,
                  created_at)
select gen_random_uuid(), kind, key, label, customer_label, customer_label_de, help, statuses::text[],
       is_customer_time, position, now()
  from (values
    ('waiting_reason', 'customer_time', 'Customer''s time', 'Waiting for you', 'Wir warten auf Sie',
     'An answer, a test or a date that the customer owes', '{pending,held}', true, 10),
    ('waiting_reason', 'no_access', 'No access', 'We need access to the site', 'Wir brauchen Zugang zum Standort',
     'The site cannot be entered', '{pending,held}', true, 20),
    ('waiting_reason', 'observation', 'Observation', 'We watch the service', 'Wir beobachten den Dienst',
     'The fault is gone, or comes and goes', '{pending,held}', false, 30),
    ('waiting_reason', 'maintenance_window', 'Maintenance window', 'Waiting for a maintenance window',
     'Wir warten auf ein Wartungsfenster', 'The work is planned', '{held}', false, 40),
    ('waiting_reason', 'third_party', 'Third party', 'Waiting for another provider',
     'Wir warten auf einen anderen Anbieter', 'A carrier or a vendor works on it', '{held}', false, 50),
    ('waiting_reason', 'force_majeure', 'Force majeure', 'Waiting until the site is safe',
     'Wir warten, bis der Standort sicher ist', 'Weather, strike, disaster', '{held}', false, 60),
    ('sub_status', 'with_carrier', 'With carrier', 'With another provider', 'Bei einem anderen Anbieter',
     'A carrier has the fault', '{held}', false, 10),
    ('sub_status', 'dispatched', 'Dispatched', 'A technician is on the way', 'Ein Techniker ist unterwegs',
     'A technician goes to the site', '{in_progress}', false, 20),
    ('sub_status', 'monitoring', 'Monitoring', '', '', 'Mended, and watched before it is resolved', '{in_progress}',
     false, 30),
    ('fault_cause', 'fibre_cut', 'Fibre cut', '', '', '', '{}', false, 10),
    ('fault_cause', 'power', 'Power', '', '', '', '{}', false, 20),
    ('fault_cause', 'hardware', 'Hardware', '', '', '', '{}', false, 30),
    ('fault_cause', 'software', 'Software', '', '', '', '{}', false, 40),
    ('fault_cause', 'configuration', 'Configuration', '', '', '', '{}', false, 50),
    ('fault_cause', 'congestion', 'Congestion', '', '', '', '{}', false, 60),
    ('fault_cause', 'third_party_outage', 'Outage of a third party', '', '', '', '{}', false, 70),
    ('fault_cause', 'customer_equipment', 'Customer''s equipment', '', '', '', '{}', false, 80),
    ('fault_cause', 'planned_work', 'Planned work', '', '', '', '{}', false, 90),
    ('fault_cause', 'no_fault_found', 'No fault found', '', '', '', '{}', false, 100),
    ('fault_cause', 'other', 'Other', '', '', '', '{}', false, 110),
    ('fault_action', 'fibre_repaired', 'Fibre repaired', '', '', '', '{}', false, 10),
    ('fault_action', 'replaced', 'Hardware replaced', '', '', '', '{}', false, 20),
    ('fault_action', 'restarted', 'Restarted', '', '', '', '{}', false, 30),
    ('fault_action', 'reconfigured', 'Reconfigured', '', '', '', '{}', false, 40),
    ('fault_action', 'rerouted', 'Traffic rerouted', '', '', '', '{}', false, 50),
    ('fault_action', 'third_party', 'Mended by a third party', '', '', '', '{}', false, 60),
    ('fault_action', 'none', 'Nothing to do', '', '', '', '{}', false, 70),
    ('responsibility', 'provider', 'Provider', '', '', '', '{}', false, 10),
    ('responsibility', 'customer', 'Customer', '', '', '', '{}', false, 20),
    ('responsibility', 'third_party', 'Third party', '', '', '', '{}', false, 30),
    ('responsibility', 'force_majeure', 'Force majeure', '', '', '', '{}', false, 40),
    ('responsibility', 'none', 'None', '', '', '', '{}', false, 50)
  ) as seeded (kind, key, label, customer_label, customer_label_de, help, statuses, is_customer_time, position);

-- Null when nothing is given. Why a ticket waits: reason, text, by, at. What was found and done: cause, action,
-- responsibility, fault_found, root_cause, resolution.
alter table ticket
    add column sub_status text check (sub_status ~ '^[a-z][a-z0-9_]{0,39}$'),
    add column waiting jsonb,
    add column closure jsonb;

-- Which facts of the closure a ticket of this type needs before it is resolved.
alter table issue_type
    add column closure_required text[] not null default '{}'
        check (closure_required <@ '{cause,action,responsibility,fault_found,root_cause,resolution}');

-- What else the status of a macro has: the sub-status, why the ticket waits, what was found and done.
alter table macro add column status_facts jsonb;
