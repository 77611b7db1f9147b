"""Jobs on many tickets (bulk changes and imports), changes of many in a list, and exports.
Tables: bulk_change, job, job_item; also event, ticket.
Events: job.created, job.cancelled, job.finished.
"""
