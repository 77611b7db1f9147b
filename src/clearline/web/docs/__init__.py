"""The reference of the APIs: pages that are made from the OpenAPI documents of the wires."""
