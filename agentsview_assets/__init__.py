"""A warehouse of coding-agent usage, cost and activity, built from agentsview archives."""

__version__ = "0.1.0"
