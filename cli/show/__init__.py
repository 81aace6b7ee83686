"""What people see of runs, of nights and of the portal, on standard output."""
