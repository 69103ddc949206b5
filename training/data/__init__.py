"""Data set: download, files, inspection, split, ingest and arrays."""
