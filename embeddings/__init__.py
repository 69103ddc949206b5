"""Pixels, encoder, feature store, vector index, t-SNE map and releases."""
