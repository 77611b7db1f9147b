"""House API v1: forms of tickets, as JSON Schema and as their definitions."""
