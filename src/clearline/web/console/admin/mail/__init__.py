"""Mail: the review of what came in, what was sent and failed, and the mailboxes."""
