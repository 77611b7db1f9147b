"""Retention: how long data is kept, what it takes now, and the worker that deletes what is older.
Tables: retention_run; also, to measure them, idempotency_key, draft, job, delivery, outbound_mail, inbound_mail, notification and event.
Events: none.
"""
