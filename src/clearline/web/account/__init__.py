"""Pages that people have about themselves, in the console and in the portal."""
