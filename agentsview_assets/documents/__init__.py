"""The v1 documents, read from a warehouse without Dagster."""
