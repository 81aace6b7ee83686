"""One module per page: it reads the data, then renders a template or redirects."""
