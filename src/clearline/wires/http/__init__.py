"""What every wire shares: the table of operations, and the way of a request through it."""
