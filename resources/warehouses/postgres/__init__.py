"""A warehouse in a schema of a PostgreSQL server."""
