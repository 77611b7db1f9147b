"""What goes with the status of a ticket in the console: the sub-status, why it waits, what was found and done."""
