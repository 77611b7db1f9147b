"""Every setting, how each is read, its default, its documentation, and a file of them."""
