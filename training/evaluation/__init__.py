"""Evaluation of trained models: metrics, statistics, comparison and explanations."""
