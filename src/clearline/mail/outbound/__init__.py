"""Outbound mail: composing, the queue with its retries, bounces, and suppressed addresses.
Tables: outbound_mail, mail_reference, mail_suppression.
Events: mail_suppression.created, mail_suppression.deleted.
"""
