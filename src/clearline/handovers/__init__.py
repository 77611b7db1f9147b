"""Handovers of shifts: what was open when one ended, a note for the next, and who signed it off.
Tables: handover.
Events: handover.created.
"""
