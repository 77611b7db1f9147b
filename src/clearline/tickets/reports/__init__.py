"""Figures about many tickets: what comes in and is closed by day, and how old the open ones are.
Tables: none of its own; also company, ticket, ticket_count.
Events: none.
"""
