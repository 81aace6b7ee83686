"""Lambda: the HTTP entry, by which people and machines start runs and look at them."""
