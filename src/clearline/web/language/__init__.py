"""The language of pages: whose it is, and what refusals say in it."""
