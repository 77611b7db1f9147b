"""The event stream: events in the order of the log, from a client's cursor on, as they happen.
Tables: event, which it only reads.
Events: none.
"""
