"""Macros and saved views: what people keep to work faster.
Tables: macro, saved_view.
Events: macro.created, macro.changed, macro.deleted, view.created, view.changed, view.deleted.
"""
