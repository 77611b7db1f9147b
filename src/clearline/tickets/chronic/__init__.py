"""Chronic services: many tickets on one service within some days.
Tables: none of its own; ticket, ticket_merge.
Events: service.chronic, ticket.changed.
"""
