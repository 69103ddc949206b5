"""Services for comparison, each a separate program."""
