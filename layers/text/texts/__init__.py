"""Shared by the functions that write texts for people: two languages, days and numbers."""
