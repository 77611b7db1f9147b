"""Sign-in of people: passwords, sessions.
Tables: user_password, sign_in_session; app_user, company.
Events: session.created, session.ended, password.changed, password.refused.
"""
