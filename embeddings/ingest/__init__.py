"""Ingest: from image files to rows of the feature store and their place in the split."""
