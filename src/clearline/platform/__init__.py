"""What every capability builds on: the database, the embedded PostgreSQL, background jobs, idempotency keys.
Tables: see the parts.
Events: none.
"""
