"""Notifications: preferences, the recipients of an event, and the mail and digests to them.
Tables: notification, notification_settings; also app_user, attachment, company, mail_opt_out, mailbox, note, queue, team_member, ticket, ticket_contact, ticket_watcher.
Events: user.changed, company.changed.
"""
