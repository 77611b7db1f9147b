"""The form in which an agent creates a ticket for a customer."""
