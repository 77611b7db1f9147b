"""Drafts of messages, and messages that were sent and can still be taken back.
Tables: draft, pending_message.
Events: none.
"""
