"""The warehouse: its records, what writes and reads it, whatever the backend."""
