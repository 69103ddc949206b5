"""Data set: its files, their inspection, split, ingest and arrays."""
