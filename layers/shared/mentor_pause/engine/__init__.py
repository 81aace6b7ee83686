"""What every job shares: the page worker, completion and recovery."""
