"""What goes with the status of a ticket: its sub-status, why it waits, what was found and done.
Tables: none; names ticket.
Events: ticket.changed.
"""
