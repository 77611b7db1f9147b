"""Clearline, a support desk for network providers."""

__version__ = "0.1.0"
