"""Measurements of review, selection, search and export."""
