"""Experiments: declarations, presets and the plan of trials."""
