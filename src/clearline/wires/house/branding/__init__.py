"""House API v1: branding."""
