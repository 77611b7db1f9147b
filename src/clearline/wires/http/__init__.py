"""What the wires share: the table of operations, and the way from a request to its answer.
Tables: none; stored answers are in idempotency_key.
Events: none.
"""
