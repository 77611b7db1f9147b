"""Companies: add and change them.
Tables: none.
Events: company.created, company.changed.
"""
