"""HTTP connections of tests and benchmarks to services on this machine."""

import httpx

SHORT_KEEP_ALIVE = httpx.Limits(keepalive_expiry=1.0)
"""Limits of a client that never sends a request over a connection that is being closed.

A service closes idle connections after 5 s, which is also the default of the client.
"""
