"""Metrics for Prometheus: what the processes of a server count, and the state of the desk in the database.
Tables: ticket_count, subscription, delivery, outbound_mail, inbound_mail and job are read.
Events: none.
"""
