"""Lambda: takes the pages of the `hlf_sync` job."""
