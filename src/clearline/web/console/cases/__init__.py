"""The cases of a ticket at third parties: their forms, and what pages call them."""
