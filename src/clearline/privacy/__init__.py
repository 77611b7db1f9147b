"""Personal data: what is stored about a person, exported as one file.
Tables: none of its own; every table that its data map names.
Events: person.exported.
"""
