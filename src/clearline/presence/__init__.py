"""Presence: who has the page of a ticket open, and who is writing. Kept in memory by each process, and in no log.
Tables: none.
Events: none.
"""
