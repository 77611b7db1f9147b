"""Backups: a dump of the database with the attachments and a manifest; they are made, verified and restored.
Tables: attachment is read; the rows of all others are only counted.
Events: none.
"""
