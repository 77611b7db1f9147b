"""The status of a ticket and what goes with it: its sub-status, why it waits, what was found and done.
Tables: none; names ticket, ticket_count, note, attachment, event.
Events: ticket.changed, ticket.status_changed.
"""
