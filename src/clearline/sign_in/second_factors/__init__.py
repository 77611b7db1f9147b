"""Codes of an authenticator app, recovery codes, and the roles that need them.
Tables: second_factor, recovery_code, second_factor_role.
Events: second_factor.changed, second_factor.refused, sign_in_policy.changed.
"""
