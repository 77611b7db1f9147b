"""Attachments: the files of a ticket. The table describes them; their contents are on disk or in S3.
Tables: attachment, held_file; also company, event, job_item, ticket.
Events: attachment.added, attachment.removed.
"""
