"""Identity providers of the tests: a real one in a process of its own, and one that lies."""
