"""The reminder of a ticket: what it says, and the timer that makes it due.
Tables: none of its own; also event, ticket.
Events: ticket.changed, when an answer or a status ends one.
"""
