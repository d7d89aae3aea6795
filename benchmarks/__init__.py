"""Measurements that the README shows: `python -m benchmarks`."""
