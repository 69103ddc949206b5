"""Trainers: from an experiment to a trained model."""
