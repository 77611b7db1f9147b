"""The people of a ticket in mail: the link by which they leave it, and who is in Cc of a mail.
Tables: app_user, company, mail_suppression.
Events: ticket.contact_removed, ticket.cc_added, ticket.cc_removed.
"""
