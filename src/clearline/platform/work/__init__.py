"""Periodic jobs, and claim workers for what waits for another machine.
Tables: none; a claim is a column of the capability's own table.
Events: none.
"""
