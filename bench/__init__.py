"""What it costs; each module prints a table."""
