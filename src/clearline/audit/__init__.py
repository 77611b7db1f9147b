"""The audit: events about every record, newest first, for admins.
Tables: none of its own; also event and consumer.
Events: none.
"""
