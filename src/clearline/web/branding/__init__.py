"""How pages look: the provider's name, the accent."""
