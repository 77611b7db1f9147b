"""Imports of what a desk has besides tickets: companies, people, services, files.
Tables: none.
Events: company.created, company.changed, user.created, user.changed, service.created, service.changed, attachment.added.
"""
