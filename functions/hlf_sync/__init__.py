"""Lambda: processes the pages of the `hlf_sync` job."""
