"""The forms in which tickets are raised: by type of issue and audience the fields that are asked for, with conditions.
Tables: form; also issue_type.
Events: form.created, form.changed, form.deleted.
"""
