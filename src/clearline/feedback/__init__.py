"""Feedback: how customers rate the resolution of a ticket, by a link in a mail.
Tables: feedback; also company, event, ticket.
Events: ticket.rated.
"""
