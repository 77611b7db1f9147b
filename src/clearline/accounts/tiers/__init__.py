"""The tiers of companies and services: a short list of the provider's.
Tables: tier; also company.
Events: tier.created, tier.changed.
"""
