"""What people set about lists: their columns."""
