"""Health of an installation: what the command line and the pages of admins check.
Tables: none.
Events: none.
"""
