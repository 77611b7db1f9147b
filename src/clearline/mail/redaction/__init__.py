"""What a redaction rewrites of mail: as it was received, and as it is sent.
Tables: none of its own; also inbound_mail, mail_reference, outbound_mail.
Events: none.
"""
