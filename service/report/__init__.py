"""The report: the notebook executed against a service, and a page made of it."""
