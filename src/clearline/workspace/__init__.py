"""Macros, saved views and the columns of lists: what people keep to work faster.
Tables: list_columns, macro, saved_view.
Events: macro.created, macro.changed, macro.deleted, view.created, view.changed, view.deleted.
"""
