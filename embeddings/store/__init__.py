"""Feature store: versioned Lance tables of images and of their features."""
