"""The Console Connect support tickets API v2, as published.
Tables: none.
Events: none.
"""
