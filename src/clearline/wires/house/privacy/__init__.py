"""House API v1: exports of what is stored about a person.
Tables: none.
Events: none.
"""
