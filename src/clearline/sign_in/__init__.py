"""Sign-in of people: passwords, sessions, limits of attempts.
Tables: user_password, sign_in_session, sign_in_attempt; app_user, company.
Events: session.created, session.ended, password.changed, password.refused.
"""
