"""Personal data: what is stored about a person, exported as one file, or erased.
Tables: erasure is its own; also api_key, app_user, attachment, inbound_mail, note, recovery_code, sign_in_challenge, ticket, ticket_case, ticket_contact by name, and others by the data map.
Events: person.exported, person.erased.
"""
