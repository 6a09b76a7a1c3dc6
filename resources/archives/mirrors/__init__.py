"""Archives that agentsview has pushed to a PostgreSQL server or a DuckDB file."""
