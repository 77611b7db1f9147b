"""Handovers of shifts in the console."""
