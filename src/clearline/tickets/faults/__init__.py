"""The facts of a fault: how it shows, who noticed it, and what the provider may do to repair it.
Tables: none of its own.
Events: none; ticket.changed has them.
"""
