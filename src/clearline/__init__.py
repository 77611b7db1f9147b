"""Clearline, a support desk for network providers."""
