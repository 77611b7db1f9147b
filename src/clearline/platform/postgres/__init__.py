"""The embedded PostgreSQL: its programs, its data directory and its supervisor.
Tables: none.
Events: none.
"""
