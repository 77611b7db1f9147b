"""The pages on which people sign in, and those on which they choose a password."""
