"""Tickets that a priority matrix would change: find them, and change them when somebody asks for it.
Tables: none of its own; also company, ticket.
Events: ticket.changed.
"""
