"""The audit: events about every record, newest first, for admins.
Tables: event, which it only reads.
Events: none.
"""
