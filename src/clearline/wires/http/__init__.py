"""What the wires share: the table of operations, and the processing of a request.
Tables: none; stored answers are in idempotency_key.
Events: none.
"""
