"""Serving: the current release, its responses and the thread pools that compute them."""
