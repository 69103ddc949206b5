"""The first floor's HTTP service: a release, answered over HTTP."""
