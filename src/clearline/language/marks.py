"""Marks of texts that are translated where they are shown. Nothing is imported: every command imports this."""


def gettext_noop(text: str) -> str:
    """Return the text itself: it is marked for translation here, and ``gettext`` translates it where it is shown."""
    return text
