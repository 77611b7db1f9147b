"""The search for tickets: its query language, its index, and the plan of a query.
Tables: search_index, ticket_search; also attachment, consumer, note, service, ticket, ticket_count, ticket_field, ticket_merge, ticket_watcher.
Events: none.
"""
