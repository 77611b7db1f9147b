"""Sign-in of people: passwords, sessions, links to choose a password, limits of attempts.
Tables: user_password, sign_in_session, sign_in_challenge, sign_in_attempt, sign_in_link; app_user, company, identity_provider, notification_settings, second_factor, second_factor_role, user_identity.
Events: session.created, session.ended, password.changed, password.refused, sign_in_link.created.
"""
