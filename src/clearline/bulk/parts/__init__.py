"""What an imported ticket has beside its own values: people, and cases at third parties.
Tables: none.
Events: none.
"""
