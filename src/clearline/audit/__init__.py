"""The audit: events about every record, newest first, for admins.
Tables: none of its own; also event.
Events: none.
"""
