"""Definitions, each found by being here."""
