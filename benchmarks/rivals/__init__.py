"""Services for comparison, each a program of its own."""
