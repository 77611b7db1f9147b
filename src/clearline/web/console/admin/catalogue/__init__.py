"""The provider's own types of issues and services."""
