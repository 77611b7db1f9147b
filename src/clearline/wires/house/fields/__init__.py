"""House API v1: own fields of tickets, services and companies."""
