"""Redaction: words and files are removed for good from everything that is stored about a ticket.
Tables: redaction.
Events: none of its own; tickets store ticket.redacted.
"""
