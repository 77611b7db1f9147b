"""The dashboard: figures about the work of the desk, and its charts."""
