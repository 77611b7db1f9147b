"""Commands for the provider's types of issues and services, and its lists of terms."""
