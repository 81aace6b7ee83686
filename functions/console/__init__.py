"""The console's pages: address, templates, wording."""
