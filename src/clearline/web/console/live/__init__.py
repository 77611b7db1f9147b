"""Live updates of the console: the stream of a browser, and the fragments that its pages ask for."""
