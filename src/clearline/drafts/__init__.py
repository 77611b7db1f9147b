"""Drafts of messages: what a person wrote about a ticket and has not sent.
Tables: draft.
Events: none.
"""
