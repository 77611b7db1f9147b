"""What the console knows about a customer: its page, and the pages of its services."""
