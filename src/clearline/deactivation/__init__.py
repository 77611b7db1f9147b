"""Deactivation of a company: what ends with it, and what comes back.
Tables: none.
Events: company.changed, user.changed, subscription.changed.
"""
