"""Mail in both directions: its format, what is sent, and what is received.
Tables: those of outbound and inbound.
Events: those of outbound and inbound.
"""
