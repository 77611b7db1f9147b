"""The search for tickets: its query language, its index, and the plan of a query.
Tables: ticket_search; also consumer, ticket, ticket_watcher.
Events: none.
"""
