"""What is done with all deliveries of a subscription, in batches.
Tables: delivery_action, delivery, subscription.
Events: none.
"""
