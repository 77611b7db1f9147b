"""Jobs on many tickets (bulk changes and imports), and exports.
Tables: job, job_item; also event, ticket.
Events: job.created, job.cancelled, job.finished.
"""
