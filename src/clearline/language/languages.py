"""The languages of those who read."""

ENGLISH = "en"
LANGUAGES = {ENGLISH: "English", "de": "Deutsch"}
"""The languages by their codes (ISO 639), each by its own name. English needs no catalogue."""
