"""What belongs to one customer: its services and its people."""
