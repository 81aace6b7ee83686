"""Lambda: the console. People see their mentors, runs and messages, and act on them."""
