"""What people set for themselves: their API keys, and how they are notified."""
