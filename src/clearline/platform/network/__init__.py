"""Connections to hosts that users name: which addresses may be reached.
Tables: none.
Events: none.
"""
