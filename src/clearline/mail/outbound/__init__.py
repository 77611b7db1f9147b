"""Outbound mail: composing, the queue with its retries, bounces, suppressed addresses, and what recipients stopped.
Tables: outbound_mail, mail_reference, mail_suppression, mail_opt_out; also company, mailbox, queue, ticket.
Events: mail_suppression.created, mail_suppression.deleted, mail_opt_out.created, mail_opt_out.deleted.
"""
