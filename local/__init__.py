"""The whole system on one machine: PostgreSQL, an AWS emulator, the deployed template."""
