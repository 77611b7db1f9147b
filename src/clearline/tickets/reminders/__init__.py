"""What a reminder does when it is due: its ticket comes back.
Tables: none of its own; also ticket.
Events: ticket.reminded, ticket.assigned, ticket.status_changed.
"""
