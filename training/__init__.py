"""Training: data set, networks, experiments, comparison and export of the best model."""
