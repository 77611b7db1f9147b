"""Backups: a dump of the database with the attachments and a manifest; they are made, verified and restored.
Tables: last_backup; attachment and attachment_store are read, and the rows of all others are only counted.
Events: none.
"""
