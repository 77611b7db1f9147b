"""Jobs on many tickets (bulk changes and imports), and exports.

Tables: job, job_item.
Events: job.created, job.cancelled, job.finished.
"""
