"""What a redaction rewrites of tickets and their notes.
Tables: none of its own; also event, field, note, ticket, ticket_case, ticket_contact, ticket_link, ticket_merge.
Events: ticket.redacted.
"""
