"""Serving: the current release, its answers and the thread pools that compute them."""
