"""Measurements beside the original program; see docs/benchmarks.md."""
