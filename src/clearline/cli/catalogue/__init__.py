"""Commands for the provider's types of issues and services."""
