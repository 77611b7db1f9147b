"""Webhooks: a subscription asks for events, a delivery is one event for one subscription, an attempt one request.
Tables: subscription, delivery, delivery_attempt, delivery_action.
Events: subscription.created, subscription.changed, subscription.deleted.
"""
