"""The installation itself: its audit, and its health."""
