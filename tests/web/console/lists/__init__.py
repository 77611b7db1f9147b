"""What people set about lists, and what they do with a selection."""
