"""The tickets of a company in the portal: lists, the page of a ticket, and its forms."""
