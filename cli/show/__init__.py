"""Shows runs, nights and the portal to people, on standard output."""
