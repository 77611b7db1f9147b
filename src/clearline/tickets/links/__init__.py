"""Links between tickets, merging and splitting, tickets that follow finished ones, and watchers.
Tables: ticket_link, ticket_merge, ticket_watcher; also app_user, event, note, ticket.
Events: ticket.linked, ticket.unlinked, ticket.merged, ticket.unmerged, ticket.watched, ticket.changed, note.added, ticket.created.
"""
