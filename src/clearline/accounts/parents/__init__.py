"""The parents of companies, such as resellers: where a company can be below one, and whose addresses are theirs.
Tables: none; former_parent, company, app_user.
Events: none.
"""
