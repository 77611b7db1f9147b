"""Branding: what the provider says about its support on the pages for customers.
Tables: branding.
Events: branding.changed.
"""
