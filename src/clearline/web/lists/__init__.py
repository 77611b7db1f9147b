"""Lists of tickets and other things in pages: their orders, and how they go on."""
