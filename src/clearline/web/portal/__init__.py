"""The portal of the customers' people: their tickets and services."""
