"""The run ledger in DynamoDB: the lock, the runs and their pages."""
