"""Tests of what goes with the status of a ticket in the console."""
