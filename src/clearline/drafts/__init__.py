"""Drafts of messages, and messages that were sent and can still be taken back.
Tables: draft, pending_message, undone_assignment, assign_by_typing_off, ticket.
Events: none.
"""
