"""Periodic jobs, timers, and claim workers for what waits for another machine.
Tables: timer. A claim is a column of the capability's own table.
Events: none.
"""
