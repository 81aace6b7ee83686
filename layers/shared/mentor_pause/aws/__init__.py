"""Adapters for SQS, EventBridge, Lambda and secrets."""
