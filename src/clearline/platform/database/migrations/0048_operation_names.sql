-- Why:   the operations of the Console Connect API have the names of the newest published document; answers kept for
--        retries are found by the name, and a retry over the upgrade must not become a second ticket.
-- Order: before the first start of the code.
-- Locks: the rows of answers to that API, for the time in which they are written.

update idempotency_key set route = 'CreateSupportTicket' where route = 'createSupportTicket';
update idempotency_key set route = 'AddNoteToSupportTicket' where route = 'addSupportTicketNote';
