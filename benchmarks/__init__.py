"""Measurements behind `docs/benchmarks.md`; `make bench` takes them and writes the page."""
