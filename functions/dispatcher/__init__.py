"""Lambda: starts the runs of every job."""
