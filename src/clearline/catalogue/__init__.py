"""The provider's catalogue: the types of issues and services that tickets are about, as data that admins change.
Tables: issue_type, service_type, term; also routing_rule, service, ticket, ticket_template.
Events: issue_type.created, .changed, .deleted, service_type.created, .changed, .deleted, term.created, .changed.
"""
