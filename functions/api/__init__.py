"""Lambda: the HTTP entry. People and machines start runs with it and read them."""
