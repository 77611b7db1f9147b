"""The mark by which the database and its store of attachments know each other.
Tables: attachment_store; also attachment.
Events: none.
"""
