"""Own fields: what a provider defines for tickets, services and companies beyond what Clearline knows.
Tables: field; also ticket_field, ticket, service, company, app_user.
Events: field.created, field.changed, field.deleted, field.restored.
"""
