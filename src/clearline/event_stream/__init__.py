"""The event stream: events in the order of the log, from a client's cursor on, as they happen.
Tables: none of its own; also event.
Events: none.
"""
