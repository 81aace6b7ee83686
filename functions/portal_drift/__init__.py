"""Lambda: measures how far HLF's portal and the database differ."""
