"""House API v1: the provider's types of issues and services."""
