"""House API v1: feedback about tickets."""
