"""The exit statuses of commands; 0 is success, and 2 (from click) wrong usage."""

REFUSED = 1
"""The desk refused; nothing was changed, or of many items only those that were not refused."""
FAULT_FOUND = 3
"""A check found something wrong."""
UNAVAILABLE = 4
"""The database cannot be reached or used, a setting is wrong, or the server cannot start."""
INTERRUPTED = 130
"""Ctrl-C: what was not committed is undone, and a job that the command worked on is cancelled."""
