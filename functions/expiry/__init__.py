"""Lambda: pauses the expired mentors on the pages of the `certification_expiry` job."""
