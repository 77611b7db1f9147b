"""Tests of the admin pages of the catalogue and of macros."""
