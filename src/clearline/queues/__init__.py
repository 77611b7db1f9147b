"""Queues where tickets wait, the teams that work them, and whose turn it is.
Tables: queue, team, team_member; also app_user, mail_suppression, routing_rule, ticket.
Events: queue.created, queue.changed, queue.deleted, team.created, team.changed, team.deleted.
"""
