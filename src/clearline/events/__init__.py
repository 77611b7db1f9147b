"""Events: the log of everything that happened, the table of its types, and the consumers that read it.
Tables: event, consumer.
Events: none of its own; it stores those of every capability.
"""
