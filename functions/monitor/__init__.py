"""Lambda: asks the database whether the night was all right, and ends runs that hang."""
