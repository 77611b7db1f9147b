"""The services of each company: what its tickets can be about.
Tables: service.
Events: service.created, service.changed, service.deleted, service.imported.
"""
