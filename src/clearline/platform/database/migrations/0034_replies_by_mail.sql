-- Why:   a person of the provider turns on that marked replies by mail go to the customer.
-- Order: before the first start of the code.
-- Locks: notification_settings, for a moment: the default is not written to the rows.

alter table notification_settings add column replies_by_mail boolean not null default false;
