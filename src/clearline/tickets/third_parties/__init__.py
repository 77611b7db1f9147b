"""A case that the provider has at a carrier or vendor because of a ticket: its values and rules.
Tables: none.
Events: none.
"""
