"""Report: the notebook executed against a service, exported as a page and as slides."""
