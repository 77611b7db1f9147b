"""Lists of tickets in any order: the orders, the conditions of the filters, and the statements.
Tables: none of its own; also attachment, company, queue, ticket, ticket_case, ticket_contact, ticket_field, ticket_merge, ticket_watcher.
Events: none.
"""
