"""Webhooks of the provider: subscriptions, and the log of what was sent to them."""
