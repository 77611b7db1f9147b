"""Records that admins manage in pages, framed by the console or the portal."""
