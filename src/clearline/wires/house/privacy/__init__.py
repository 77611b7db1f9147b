"""House API v1: exports and erasures of people.
Tables: none.
Events: none.
"""
