"""The services of a company in the portal, with their tickets."""
