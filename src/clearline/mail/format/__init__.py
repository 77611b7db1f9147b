"""Parsing mail that may be malformed: headers, parts, and the text of a reply.
Tables: none.
Events: none.
"""
