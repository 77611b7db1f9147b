"""The texts of mail: those that are shipped, those that admins wrote instead, and what a mail is filled with.
Tables: mail_template.
Events: mail_template.changed.
"""
