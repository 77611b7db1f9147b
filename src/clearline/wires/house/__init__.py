"""The house API v1: everything that the portal and the console can do.
Tables: none.
Events: shown as its stream and its webhooks show them.
"""
