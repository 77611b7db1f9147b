"""The people of a ticket besides its contact: contacts with roles, copies, and who left.
Tables: ticket_contact; also ticket.
Events: ticket.contact_added, ticket.contact_changed, ticket.contact_removed, ticket.cc_added, ticket.cc_removed.
"""
