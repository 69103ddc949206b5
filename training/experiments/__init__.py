"""Experiments: declarations, presets and planned trials."""
