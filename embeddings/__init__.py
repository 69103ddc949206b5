"""The ground floor: pixels, encoder, feature store, index, map and release."""
