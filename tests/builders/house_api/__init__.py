"""Builders of requests to the house API."""
