"""The first floor: data set, split, networks, techniques, experiments, comparison and export."""
