"""Rules that choose the queue of a ticket, and the assignment of tickets to agents.
Tables: routing_rule; also company, queue.
Events: routing_rule.created, routing_rule.changed, routing_rule.deleted.
"""
