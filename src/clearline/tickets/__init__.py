"""Tickets and their notes: values, rules, lists, changes, and the one check of access to a ticket.
Tables: ticket, note, ticket_count; also event, service, ticket_merge.
Events: ticket.created, ticket.changed, ticket.status_changed, ticket.assigned, ticket.routed, note.added.
"""
