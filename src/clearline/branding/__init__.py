"""Branding: what the provider says about its support, and how its pages and mails look.
Tables: branding, logo.
Events: branding.changed.
"""
