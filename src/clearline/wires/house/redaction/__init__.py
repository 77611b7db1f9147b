"""House API v1: redactions of tickets.
Tables: none.
Events: none.
"""
