"""Stored answers, with which a retried request is answered instead of executed twice.
Tables: idempotency_key.
Events: none.
"""
