"""What pages of the console and the portal show and change of tickets."""
