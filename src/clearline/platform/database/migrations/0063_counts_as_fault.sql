-- Why:   requests are no faults: a service with many of them is not chronic.
-- Order: before the first start of the code.
-- Locks: ACCESS EXCLUSIVE on issue_type for a moment; it is small.

alter table issue_type add column counts_as_fault boolean not null default true;
update issue_type set counts_as_fault = false where key in ('Operational Request', 'Request Reason of Outage');
