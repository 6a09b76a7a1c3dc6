"""A warehouse in an SQLite file."""
