"""The company of a customer's person in the portal: its people, API keys and webhooks."""
