"""Companies, their users, API keys and mail domains, and who may see and do what.
Tables: company, former_parent, app_user, api_key, account_mail, mail_domain; inbound_mail, notification_settings.
Events: company.created, company.changed, user.created, user.changed, api_key.created, api_key.revoked, mail_domain.created, mail_domain.changed, mail_domain.deleted.
"""
