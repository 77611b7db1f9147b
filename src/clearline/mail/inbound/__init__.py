"""Inbound mail: mailboxes, receiving and polling, classification, and review of what is in quarantine.
Tables: mailbox, inbound_mail; also app_user, company, notification_settings, service.
Events: mailbox.created, mailbox.changed, mailbox.deleted, inbound_mail.released, inbound_mail.discarded.
"""
