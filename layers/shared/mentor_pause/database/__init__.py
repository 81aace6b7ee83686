"""The database client and its two transports."""
