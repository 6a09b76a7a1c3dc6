"""Pure functions: values, frames and SQL in and out; no Dagster, nothing opened."""
