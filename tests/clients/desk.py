COMPANY = "ALD001"
"""The code of a customer in the demo data."""
