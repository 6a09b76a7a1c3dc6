"""The `serve` command's server: the v1 documents over HTTP, and pages that people look at."""
