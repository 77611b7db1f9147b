"""Mail of the provider's people about a ticket: an internal note, or a reply to the customer.
Tables: none.
Events: none.
"""
