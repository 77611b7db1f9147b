"""Ticket templates: saved beginnings of tickets, of the provider's people or of a company.
Tables: ticket_template.
Events: ticket_template.created, ticket_template.changed, ticket_template.deleted.
"""
