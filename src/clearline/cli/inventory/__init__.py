"""Commands for services and tiers."""
