"""Catalogues of tests."""
