"""Dagster's history of a warehouse: its home, and the storage in it."""
