"""Feature store: versioned Lance tables of images and their features."""
