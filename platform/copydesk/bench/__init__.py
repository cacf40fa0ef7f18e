"""Benchmarks: each measures the product and, in the same run, the same work done the plain way."""
