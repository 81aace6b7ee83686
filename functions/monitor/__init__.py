"""Lambda: asks the database whether the last night was complete, and ends hung runs."""
