"""The form in which a customer raises a ticket."""
