"""What pages show of tickets, for the people of both sides."""
