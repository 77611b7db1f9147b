"""The demo: a desk and two customers with services and tickets, made by the use cases of the others.
Tables: none.
Events: none.
"""
