"""The pool, transactions and migrations. The only code that knows the driver.
Tables: schema_migration, server_secret.
Events: none.
"""
