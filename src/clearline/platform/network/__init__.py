"""Which addresses Clearline may connect to when users name the host.
Tables: none.
Events: none.
"""
