"""What a search may ask."""

QUERY_MAX = 500
"""The most characters of a query."""
