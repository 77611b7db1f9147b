"""Sign-in by an identity provider: OpenID Connect, the roles of groups, the identities of people.
Tables: identity_provider, user_identity, sign_in_flow.
Events: identity_provider.created, identity_provider.changed, identity_provider.deleted, identity.linked, identity.unlinked, identity.refused.
"""
