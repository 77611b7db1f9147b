"""The pages of the provider's admins: a list on the left, a form on the right, over the same use cases as the house API."""
