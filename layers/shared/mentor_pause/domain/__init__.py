"""Rules of jobs, runs and messages. No client and no clock."""
