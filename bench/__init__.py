"""Measurements of speed, size and cost; each module prints a table."""
