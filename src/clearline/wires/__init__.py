"""The published interfaces, each with its own bodies, errors and reference. They do not import each other.
Tables: none.
Events: none of their own; the use cases store them.
"""
