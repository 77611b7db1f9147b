"""Companies, their users and API keys, and who may see and do what.
Tables: company, app_user, api_key, account_mail.
Events: company.created, company.changed, user.created, user.changed, api_key.created, api_key.revoked.
"""
