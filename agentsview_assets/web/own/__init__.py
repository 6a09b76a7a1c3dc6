"""Endpoints that agentsview has not: what its command line prints, and what a warehouse knows."""
