"""The cases of a ticket at third parties: carriers, vendors.
Tables: ticket_case; also ticket.
Events: ticket.case_added, ticket.case_changed, ticket.case_removed.
"""
